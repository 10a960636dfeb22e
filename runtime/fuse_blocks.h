// Blocks of layers that are computed band by band (steps/block.h).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/plan.h"

namespace octet {

/// Makes one step of each block whose intermediates do not fit into `cache_bytes` beside its weights, where those of a
/// band do; the band is the highest that fits. Tells of all blocks, fused or not. `outputs`: tensors that are read
/// after the run.
std::vector<BlockMemory> fuse_blocks(std::vector<Step>& steps, const std::vector<int32_t>& outputs,
                                     int64_t cache_bytes);

}  // namespace octet
