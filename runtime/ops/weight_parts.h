// Weights' residuals q_w - Z_w lie in [-255, 255]; where a kernel's weights are 8 bits wide, those that do not fit are
// split into parts that do, and the parts' products add up.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

/// What packed weights can hold.
struct WeightRange {
  /// Of a step's weights, which products kernels add in 16 bits, and so what weights must not come to.
  enum class Sums : uint8_t {
    None,
    OfEveryEighth,  // adds_pairs, of bytes with a sign: 255 in magnitude
    OfBytes,        // adds_bytes, of bytes without: 128 of either sign, of k % 4 < 2 and of the others
  };

  int32_t lo, hi;
  Sums sums = Sums::None;

  /// Whether, of so many consecutive weights, sums can be too much; OfEveryEighth: two of 127 never are.
  bool sums_count(int64_t weights) const {
    return sums == Sums::OfBytes || (sums == Sums::OfEveryEighth && weights > 16);
  }

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
    Room room(sums);
    if (std::ranges::all_of(
            residuals, [&, i = size_t{0}](int32_t r) mutable { return r == part(r, 0) && room.take(i++, r) == r; }))
      return 1;
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
  /// What is left of the sums.
  class Room {
   public:
    explicit Room(Sums sums) : by_sign_(sums == Sums::OfBytes) { left_.fill(by_sign_ ? 128 : 255); }

    /// As much of a weight as there is room for.
    int32_t take(size_t i, int32_t weight) {
      int32_t& left = left_[by_sign_ ? i % 4 / 2 * 2 + (weight < 0 ? 1 : 0) : i % 8];
      const int32_t magnitude = std::min(std::abs(weight), left);
      left -= magnitude;
      return weight < 0 ? -magnitude : magnitude;
    }

   private:
    bool by_sign_;
    std::array<int32_t, 8> left_;
  };

  /// Moves as much of the residuals as fits; says whether anything is left.
  bool take(std::vector<int16_t>& rest, std::vector<int16_t>& taken) const {
    taken.assign(rest.size(), 0);
    Room room(sums);
    bool left = false;
    for (size_t i = 0; i < rest.size(); i++) {
      taken[i] = static_cast<int16_t>(room.take(i, part(rest[i], 0)));
      rest[i] = static_cast<int16_t>(rest[i] - taken[i]);
      left = left || rest[i] != 0;
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

/// Of a convolution kernel's.
constexpr WeightRange weight_range(const KernelInfo& kernel) {
  WeightRange range = weight_range(kernel.target, weight_bits(kernel));
  if (adds_pairs(kernel)) range.sums = WeightRange::Sums::OfEveryEighth;
  if (adds_bytes(kernel)) range.sums = WeightRange::Sums::OfBytes;
  return range;
}

}  // namespace octet
