// Where tensors lie in the arena. Everything that must exist at some step is a block with a lifetime; blocks whose
// lifetimes do not meet may share addresses. Placing them in the least memory is NP-hard, so several greedy orders are
// tried and the best is kept; a lower bound tells how far from the optimum that can be.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan.h"

namespace octet {

/// Memory needed from step `first` to step `last`, both included. bytes >= 0.
struct Block {
  int64_t bytes;
  int32_t first, last;
};

struct Placement {
  std::vector<int64_t> offset;  // by block, multiples of 64
  int64_t total_bytes = 0;      // a multiple of 64
};

/// Blocks that are alive at a common step do not overlap.
Placement place(std::span<const Block> blocks);

/// Largest sum of bytes alive at one step: no placement can do with less.
int64_t lower_bound_bytes(std::span<const Block> blocks);

struct MemoryRequest {
  std::span<const Step> steps;
  std::span<const int64_t> tensor_bytes;  // by tensor index; 0: not in the arena
  std::span<const int32_t> always_alive;  // inputs, so that a run does not destroy them; variables
  std::span<const int32_t> outputs;       // alive to the end
  bool keep_all = false;                  // nothing is reused but scratch
};

/// A tensor lives from its first write to its last read; one that is read before it is written lives always.
MemoryPlan plan_memory(const MemoryRequest& request);

}  // namespace octet
