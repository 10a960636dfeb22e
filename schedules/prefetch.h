// Weights of the next block of channels on their way while this one's are multiplied.
#pragma once

#include "generators/halide.h"

namespace octet {

/// For few pixels by large blocks of channels, in loops over blocks ("co"), with loops over rows and tiles of pixels
/// ("y", "xo") within: while a block's first tile is computed, each vector of `weights` that is loaded has the same one
/// of the next block brought to the first-level cache. Each block's weights are read once from afar, in the order that
/// they lie in, but faster than CPUs' own prefetching follows. The last dimension of `weights`, bytes, is of blocks.
void prefetch_next_block(Halide::Func& output, const Halide::ImageParam& weights);

}  // namespace octet
