// Weights' residuals q_w - Z_w lie in [-255, 255]; where a kernel's weights are 8 bits wide, those that do not fit are
// split into parts that do, and the parts' products add up.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

/// What packed weights can hold.
struct WeightRange {
  int32_t lo, hi;
  int64_t apart = 1 << 30;  // weights so far from each other add up, in magnitude, to at most kSum
  static constexpr int32_t kSum = 255;

  /// Whether, of so many consecutive weights, more than two add up: two of 127 never are too much.
  bool sums_count(int64_t weights) const { return weights > 2 * apart; }

  int64_t parts_for(int32_t residual) const {
    const int32_t limit = residual < 0 ? -lo : hi;
    return std::max(1, (std::abs(residual) + limit - 1) / limit);
  }
  /// Part number `part` of a residual; 0 past the last.
  int32_t part(int32_t residual, int64_t part) const {
    const int64_t limit = residual < 0 ? -lo : hi;
    const auto magnitude = static_cast<int32_t>(std::clamp<int64_t>(std::abs(residual) - part * limit, 0, limit));
    return residual < 0 ? -magnitude : magnitude;
  }

  /// Parts of consecutive residuals, where sums count too.
  int64_t parts_for(std::span<const int16_t> residuals) const {
    int64_t most = 1;
    if (!sums_count(std::ssize(residuals))) {
      for (const int16_t r : residuals) most = std::max(most, parts_for(r));
      return most;
    }
    std::vector<int16_t> rest(residuals.begin(), residuals.end()), taken;
    while (take(rest, taken)) most++;
    return most;
  }
  /// Their part number `part`.
  void part(std::span<const int16_t> residuals, int64_t part, std::vector<int16_t>& out) const {
    if (!sums_count(std::ssize(residuals))) {
      out.resize(residuals.size());
      for (size_t i = 0; i < residuals.size(); i++) out[i] = static_cast<int16_t>(this->part(residuals[i], part));
      return;
    }
    std::vector<int16_t> rest(residuals.begin(), residuals.end());
    for (int64_t i = 0; i <= part; i++) take(rest, out);
  }

 private:
  /// Moves as much of the residuals as fits; says whether anything is left.
  bool take(std::vector<int16_t>& rest, std::vector<int16_t>& taken) const {
    taken.assign(rest.size(), 0);
    bool left = false;
    for (size_t first = 0; first < std::min(rest.size(), static_cast<size_t>(apart)); first++) {
      int32_t room = kSum;
      for (size_t i = first; i < rest.size(); i += static_cast<size_t>(apart)) {
        const int32_t r = rest[i], magnitude = std::min({std::abs(r), r < 0 ? -lo : hi, room});
        taken[i] = static_cast<int16_t>(r < 0 ? -magnitude : magnitude);
        rest[i] = static_cast<int16_t>(r - taken[i]);
        room -= magnitude;
        left = left || rest[i] != 0;
      }
    }
    return left;
  }
};

/// Of weights packed in 8 or 16 bits.
constexpr WeightRange weight_range(Target target, int bits) {
  if (bits == 16) return {-255, 255};
  // NEON adds two 8-bit products in 16 bits: -128 * -128 twice would not fit.
  return target == Target::Neon ? WeightRange{-127, 127} : WeightRange{-128, 127};
}

/// Of a convolution kernel's; where pairs are added, those of every eighth weight of a step add up in 16 bits.
constexpr WeightRange weight_range(const KernelInfo& kernel) {
  WeightRange range = weight_range(kernel.target, weight_bits(kernel));
  if (adds_pairs(kernel)) range.apart = 8;
  return range;
}

}  // namespace octet
