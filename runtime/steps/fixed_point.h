// Integer-only rescaling (Jacob et al. 2017, section 2.2), scalar, to the bit: see docs/numerics.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace octet {

/// Closed range of output values, in the output tensor's own type.
struct Clamp {
  int32_t lo, hi;
};

/// A positive real d ~ multiplier * 2^(shift - 31); multiplier in [2^30, 2^31) or 0; shift > 0 is a left shift.
struct FixedPoint {
  int32_t multiplier = 0;
  int32_t shift = 0;

  bool operator==(const FixedPoint&) const = default;
};

/// Saturating rounding doubling high multiply, (2 a b + 2^31) >> 32.
inline int32_t srdhm(int32_t a, int32_t b) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  if (a == kMin && b == kMin) return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

/// x / 2^n rounded to nearest, ties away from zero; n in [0, 31].
inline int32_t rounding_divide_by_pot(int32_t x, int32_t n) {
  const auto mask = static_cast<int32_t>((int64_t{1} << n) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> n) + (remainder > threshold ? 1 : 0);
}

/// x times a fixed-point number; the left shift wraps as two's complement.
inline int32_t multiply_by_quantized_multiplier(int32_t x, FixedPoint m) {
  const int32_t left = std::max(m.shift, 0);
  const int32_t right = std::max(-m.shift, 0);
  const uint32_t shifted = left < 32 ? static_cast<uint32_t>(x) << left : 0;
  return rounding_divide_by_pot(srdhm(static_cast<int32_t>(shifted), m.multiplier), right);
}

}  // namespace octet
