// Weights' residuals q_w - Z_w lie in [-255, 255]; where a kernel's weights are 8 bits wide, those that do not fit are
// split into parts that do, and the parts' products add up.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <span>

#include "schedules/manifest.h"

namespace octet {

/// What a packed weight can hold.
struct WeightRange {
  int32_t lo, hi;

  int64_t parts_for(int32_t residual) const {
    const int32_t limit = residual < 0 ? -lo : hi;
    return std::max(1, (std::abs(residual) + limit - 1) / limit);
  }
  int64_t parts_for(std::span<const int16_t> residuals) const {
    int64_t most = 1;
    for (const int16_t r : residuals) most = std::max(most, parts_for(r));
    return most;
  }
  /// Part number `part` of a residual; 0 past the last.
  int32_t part(int32_t residual, int64_t part) const {
    const int64_t limit = residual < 0 ? -lo : hi;
    const auto magnitude = static_cast<int32_t>(std::clamp<int64_t>(std::abs(residual) - part * limit, 0, limit));
    return residual < 0 ? -magnitude : magnitude;
  }
};

/// Of weights packed in 8 or 16 bits.
constexpr WeightRange weight_range(Target target, int bits) {
  if (bits == 16) return {-255, 255};
  // NEON adds two 8-bit products in 16 bits: -128 * -128 twice would not fit.
  return target == Target::Neon ? WeightRange{-127, 127} : WeightRange{-128, 127};
}

}  // namespace octet
