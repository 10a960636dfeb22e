#include "runtime/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet {

FixedPoint quantize_multiplier(double d) {
  if (d == 0) return {};
  if (!std::isfinite(d)) return {std::numeric_limits<int32_t>::max(), std::numeric_limits<double>::max_exponent};
  int shift = 0;
  const double q = std::frexp(d, &shift);
  auto m = static_cast<int64_t>(std::round(q * static_cast<double>(int64_t{1} << 31)));
  if (m == int64_t{1} << 31) {
    m /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  return {static_cast<int32_t>(m), shift};
}

int32_t srdhm(int32_t a, int32_t b) {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  if (a == kMin && b == kMin) return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

int32_t rounding_divide_by_pot(int32_t x, int32_t n) {
  const auto mask = static_cast<int32_t>((int64_t{1} << n) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> n) + (remainder > threshold ? 1 : 0);
}

int32_t multiply_by_quantized_multiplier(int32_t x, FixedPoint m) {
  const int32_t left = std::max(m.shift, 0);
  const int32_t right = std::max(-m.shift, 0);
  const uint32_t shifted = left < 32 ? static_cast<uint32_t>(x) << left : 0;
  return rounding_divide_by_pot(srdhm(static_cast<int32_t>(shifted), m.multiplier), right);
}

}  // namespace octet
