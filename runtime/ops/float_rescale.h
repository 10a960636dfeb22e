// x86: which rescales a convolution may do in floating point, and with what numbers (rescale_float in
// generators/rescale.h).
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/steps/fixed_point.h"
#include "runtime/target.h"

namespace octet {

/// Bounds of what a channel's sum can be, bias included.
struct SumRange {
  int64_t lo, hi;
};

struct FloatRescale {
  float scale = 0, offset = 0;
};

/// Numbers with which rescale_float is clamp(mbqm(sum, rescale) + zero_point) - zero_point after clamping, for every
/// sum of the range. nullopt: none were found, or the range or `rescale` is beyond what kernels hold.
std::optional<FloatRescale> float_rescale(Target target, FixedPoint rescale, SumRange sums, int32_t zero_point,
                                          Clamp clamp);

}  // namespace octet
