// L2_NORMALIZATION in integers: each row times the inverse square root of its sum of squares (docs/numerics.md).
#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();

/// 1 / sqrt(x) as a fixed-point number without left shift, by five Newton-Raphson steps in Q3.28. 0 counts as 1.
FixedPoint inverse_square_root(int32_t x) {
  constexpr int32_t kHalfSqrt2 = 1518500250;  // Q0.31
  constexpr int32_t kThreeHalves = (1 << 28) + (1 << 27);
  constexpr int kIntegerBits = 3;
  if (x <= 1) return {kLargest, 0};
  int32_t shift = 11;
  while (x >= 1 << 29) {
    x /= 4;
    ++shift;
  }
  const int32_t pairs = (std::countl_zero(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  shift -= pairs;
  x <<= 2 * pairs;  // now in [2^27, 2^29)

  const auto rescaled = [](int32_t value, int bits) {  // to more fractional bits, saturated
    const int64_t shifted = int64_t{value} * (int64_t{1} << bits);
    return static_cast<int32_t>(std::clamp<int64_t>(shifted, -int64_t{kLargest} - 1, kLargest));
  };
  const int32_t half_x = rounding_divide_by_pot(x >> 1, 1);
  int32_t y = 1 << 28;
  for (int step = 0; step < 5; ++step) {
    const int32_t y3 = rescaled(srdhm(srdhm(y, y), y), 2 * kIntegerBits);
    y = rescaled(srdhm(kThreeHalves, y) - srdhm(half_x, y3), kIntegerBits);
  }
  y = srdhm(y, kHalfSqrt2);
  if (shift >= 0) return {y, -shift};
  return {static_cast<int32_t>(static_cast<uint32_t>(y) << -shift), 0};
}

/// Wraps, as the reference's does, beyond some 33000 elements.
template <typename T>
int32_t sum_of_squares(const T* row, int32_t depth, int32_t zero_point) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < depth; ++i) {
    const int32_t x = row[i] - zero_point;
    sum += static_cast<uint32_t>(x * x);
  }
  return static_cast<int32_t>(sum);
}

/// One value, in units of 1/128. uint8 rounds 128 x, int8 works the 128 into the shift.
int32_t normalized(int32_t x, FixedPoint inverse, bool is_signed) {
  if (!is_signed) return multiply_by_quantized_multiplier(128 * x, inverse);
  return multiply_by_quantized_multiplier(x, {inverse.multiplier, inverse.shift + 7});
}

template <typename T>
void normalize(const L2NormalizationStep& op, const RunContext& context) {
  constexpr int32_t kMiddle = std::is_signed_v<T> ? 0 : 128;
  const T* const in = context.data<const T>(op.input);
  T* const out = context.data<T>(op.output);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / op.depth);
  context.pool.parallel_for(op.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* const from = in + row * op.depth;
      const FixedPoint inverse = inverse_square_root(sum_of_squares(from, op.depth, op.zero_point));
      for (int64_t i = 0; i < op.depth; ++i) {
        const int32_t value = normalized(from[i] - op.zero_point, inverse, op.is_signed != 0);
        out[row * op.depth + i] = static_cast<T>(std::clamp(value, -128, 127) + kMiddle);
      }
    }
  });
}

}  // namespace

void run(const L2NormalizationStep& step, const RunContext& context) {
  if (step.type == DataType::UInt8) {
    normalize<uint8_t>(step, context);
  } else {
    normalize<int8_t>(step, context);
  }
}

}  // namespace octet
