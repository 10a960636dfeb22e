// What the next block of channels needs on its way while this one is computed.
#pragma once

#include "generators/halide.h"

namespace octet {

/// For few pixels by large blocks of channels, in loops over blocks ("co"), with loops over rows and tiles of pixels
/// ("y", "xo") within: while a block's first tiles are computed, each step brings a part of the next block's weights to
/// the first-level cache, at most a line. Each block's weights are read once from afar, in the order that they lie in,
/// but faster than CPUs' own prefetching follows; all of them during the first tile would be faster than they come. The
/// last dimension of `weights`, bytes, is of blocks.
void prefetch_next_block(Halide::Func& output, const Halide::ImageParam& weights);

/// With each vector of `input` that is loaded and stored as it is, the one `distance` bytes behind it is brought to the
/// first-level cache.
void prefetch_farther(Halide::Func& output, const Halide::ImageParam& input, int distance);

}  // namespace octet
