// The fixed-point arithmetic that every quantized operator is defined by, one scalar function each, for clarity before
// speed: a real multiplier d is kept as d ~ mantissa * 2^(exponent - 31), and an accumulator is scaled by it with two
// roundings, a doubling high multiply and then a rounding shift.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace octet::reference {

/// d ~ mantissa * 2^(exponent - 31), mantissa in [2^30, 2^31) or (0, 0). A positive exponent shifts left.
struct Multiplier {
  int32_t mantissa = 0;
  int exponent = 0;

  bool operator==(const Multiplier&) const = default;
};

/// The low 32 bits of x, as two's complement: what an int32 register would hold.
inline int32_t wrap_to_int32(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }

/// The multiplier nearest to d, which must be below 2^31 in magnitude; too small to matter gives (0, 0).
inline Multiplier quantize_multiplier(double d) {
  if (d == 0) return {};
  int exponent = 0;
  const double fraction = std::frexp(d, &exponent);  // [0.5, 1) in magnitude
  auto mantissa = static_cast<int64_t>(std::round(fraction * 2147483648.0));
  if (mantissa == int64_t{1} << 31) {
    mantissa /= 2;
    ++exponent;
  }
  if (exponent < -31) return {};
  return {static_cast<int32_t>(mantissa), exponent};
}

/// Saturating rounding doubling high multiply: round(a b / 2^31), halves away from zero for positive products and
/// towards zero for negative ones; the one product that does not fit saturates. Equal to NEON's SQRDMULH.
inline int32_t srdhm(int32_t a, int32_t b) {
  constexpr int32_t lowest = std::numeric_limits<int32_t>::min();
  if (a == lowest && b == lowest) return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

/// Rounding divide by 2^n, 0 <= n <= 62, halves away from zero.
inline int32_t rdbp(int32_t x, int n) {
  const int64_t wide = x;
  const int64_t mask = (int64_t{1} << n) - 1;
  const int64_t remainder = wide & mask;
  const int64_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<int32_t>((wide >> n) + (remainder > threshold ? 1 : 0));
}

/// Multiply by a quantized multiplier: x m 2^(exponent - 31), rounded twice. A left shift happens first, and wraps.
inline int32_t mbqm(int32_t x, int32_t mantissa, int exponent) {
  const int left = exponent > 0 ? exponent : 0;
  const int right = exponent > 0 ? 0 : -exponent;
  return rdbp(srdhm(wrap_to_int32(int64_t{x} * (int64_t{1} << left)), mantissa), right);
}
inline int32_t mbqm(int32_t x, Multiplier m) { return mbqm(x, m.mantissa, m.exponent); }

}  // namespace octet::reference
