// llvm-mca: cycles of straight code on a core, from LLVM's model of it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/emulated/cores.h"

namespace octet::emulated {

using Code = std::vector<uint32_t>;

/// The programs, as Debian's llvm-19 has them. Older ones have one model for the A57, the A72 and the Neoverse N1.
class Mca {
 public:
  /// Throws ModelError that says what to install.
  static Mca find();

  /// As LLVM writes it, one instruction an entry. Throws std::runtime_error where a word is no instruction.
  std::vector<std::string> disassemble(std::span<const Code> blocks) const;

  /// Of each block when it is executed over and over: what one more iteration takes, all data in the first-level cache,
  /// all branches predicted. At least as many as the core needs to decode it. Each block is analyzed once and
  /// remembered.
  std::vector<double> cycles_per_iteration(const Core& core, std::span<const Code> blocks);

 private:
  Mca(std::string disassembler, std::string analyzer)
      : disassembler_(std::move(disassembler)), analyzer_(std::move(analyzer)) {}
  std::vector<double> total_cycles(const Core& core, const std::string& regions, size_t count, int iterations) const;

  std::string disassembler_, analyzer_;
  std::map<std::string, std::map<Code, double>> known_;  // by core
};

}  // namespace octet::emulated
