// One inference of the command line's build for 64-bit Arm, executed under qemu-user: which instructions, how often, in
// which layer. Exact and repeatable, and no time: an emulator knows no cycles.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "benchmarks/emulated/a64.h"

namespace octet::emulated {

/// Straight code, entered at its first instruction and executed to its last.
struct Piece {
  uint64_t address;
  std::vector<uint32_t> words;
};

struct Execution {
  size_t piece;  // index in Profile::pieces
  int64_t count;
};

using Counts = std::array<int64_t, kCategories.size()>;  // instructions by category
int64_t total_of(const Counts& counts);

struct LayerProfile {
  std::string layer, kernel;  // as in Step (runtime/plan.h)
  int64_t macs = 0;
  std::vector<Execution> executions;
  Counts counts{};
};

struct Profile {
  std::string network, target, cpu;
  std::vector<Piece> pieces;  // may overlap
  std::vector<LayerProfile> layers;

  Counts counts() const;
  int64_t macs() const;
};

/// Where `make arm64` puts the command line for 64-bit Arm, as this program lies: build/bin/octet,
/// build/arm64/bin/octet.
std::filesystem::path arm64_octet();

/// What is needed besides the model.
struct Emulation {
  std::filesystem::path qemu;    // qemu-aarch64, with plugins (Debian's has them)
  std::filesystem::path plugin;  // plugin.cpp
  std::filesystem::path octet;   // the command line for 64-bit Arm

  /// As this program's build or installation leaves them: the plugin beside it or in ../lib/octet, bin/octet of preset
  /// "arm64". `octet` is taken in its place where not empty. Throws ModelError that says what is missing and how to
  /// come by it.
  static Emulation find(const std::filesystem::path& octet = {});
};

/// "neon", "dotprod", "i8mm", in that order: those with a CPU to emulate.
std::vector<std::string> emulated_targets();

/// Runs the second inference of a session (the first prepares memory) with one thread. `arguments`: MODEL and those
/// options that say how it is prepared, without --target. Throws ModelError with the emulated program's words where
/// that refuses, std::runtime_error where it fails.
Profile profile(const Emulation& emulation, const std::string& target, const std::vector<std::string>& arguments);

/// Reads the plugin's file into `profile`, whose layers are its sections. Throws std::runtime_error.
void read_counts(const std::string& text, Profile& profile);

}  // namespace octet::emulated
