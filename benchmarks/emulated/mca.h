// llvm-mca: cycles of straight code on a core, from LLVM's model of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/emulated/cores.h"

namespace octet::emulated {

/// The programs, as Debian's llvm-19 has them. Older ones have one model for the A57, the A72 and the Neoverse N1.
struct Mca {
  std::string disassembler, analyzer;

  /// Throws ModelError that says what to install.
  static Mca find();
};

using Code = std::vector<uint32_t>;

/// As LLVM writes it, one instruction an entry. Throws std::runtime_error where a word is no instruction.
std::vector<std::string> disassemble(const Mca& mca, std::span<const Code> blocks);

/// Of each block when it is executed over and over: what one more iteration takes, all data in the first-level cache,
/// all branches predicted. At least as many as the core needs to decode it.
std::vector<double> cycles_per_iteration(const Mca& mca, const Core& core, std::span<const Code> blocks);

}  // namespace octet::emulated
