// A kernel's assembly as LLVM writes it: its hot loop, what that multiplies by, and what it keeps on the stack for want
// of registers.
#pragma once

#include <cstdint>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

struct AssemblyLine {
  std::string code, comment;
};
using AssemblyLines = std::span<const AssemblyLine>;

std::vector<AssemblyLine> parse_assembly(std::string_view text, Target target);

/// Bodies of the loops that hold no other loop: from a label to the last branch back to it.
std::vector<AssemblyLines> innermost_loops(AssemblyLines lines);

/// Lines whose code matches.
int64_t count(AssemblyLines lines, const std::regex& pattern);

/// Whether the family's kernels spend their time in a loop of the target's multiply-accumulate.
bool multiplies_and_accumulates(Family family);
/// That instruction.
std::regex multiply_accumulate(const KernelInfo& kernel);

/// The innermost loop with the most multiply-accumulates; empty where there are none.
AssemblyLines hot_loop(AssemblyLines lines, const KernelInfo& kernel);

struct LoopCounts {
  int64_t instructions = 0, multiplies = 0;
  int64_t spills = 0;  // to the stack and from it, where LLVM says that it had no register
};
LoopCounts counts_of(AssemblyLines loop, const KernelInfo& kernel);

}  // namespace octet
