// Bytes of vectors of 32 or 64 interleaved and narrowed within their 16-byte lanes, as the unpack and pack instructions
// do it: one instruction where crossing lanes takes several.
#pragma once

#include "generators/halide.h"

namespace octet {

/// In all that `output` is made of: two or four vectors of bytes that are stored interleaved are so within lanes, and
/// as many int32 as a vector has bytes are narrowed to bytes within lanes. Between the two a block of channels is then
/// in another order: at position p lies channel depthwise_channel(p) (schedules/manifest.h). What both are stored or
/// read with has to be in that order. Values to be narrowed must be in [0, 255].
void keep_within_lanes(Halide::Func& output, int vector_bytes);

}  // namespace octet
