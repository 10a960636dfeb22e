// Cycles of an inference on a core that is not here, from a profile and llvm-mca. An estimate, never a measurement:
// what it takes into account, what it leaves out and how far it was off are in docs/estimates.md.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/emulated/mca.h"
#include "benchmarks/emulated/profile.h"

namespace octet::emulated {

/// Straight code between places where control can come in or leave: what a loop without a branch inside executes over
/// and over is one.
struct BasicBlock {
  uint64_t address;
  Code code;
  int64_t executions;

  int64_t instructions() const { return executions * static_cast<int64_t>(code.size()); }
};

/// Of a layer, by address: the pieces' executions added up by instruction and cut anew where their number changes and
/// behind every branch.
std::vector<BasicBlock> basic_blocks(const Profile& profile, const LayerProfile& layer);

struct Estimate {
  std::vector<double> layers;  // cycles
  double analyzed = 0;         // share of the instructions that llvm-mca saw

  double cycles() const;
};

/// Executions of each block times its cycles. Blocks that together make less than a hundredth of the instructions are
/// not analyzed but take as long an instruction as the rest of their layer, or of the network where a layer has no
/// others.
Estimate estimate(const Profile& profile, const Core& core, Mca& mca);

}  // namespace octet::emulated
