// SOFTMAX and L2_NORMALIZATION: integer-only arithmetic along the last axis.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

// Fixed-point numbers here are int32 "Qn": n integer bits, 31 - n fractional ones, so Q0 covers [-1, 1). The product of
// a Qm and a Qn by srdhm is a Q(m+n).
constexpr int32_t one_q0 = std::numeric_limits<int32_t>::max();
constexpr int32_t one_q2 = 1 << 29;

/// x 2^n, saturating.
int32_t shift_left(int32_t x, int n) {
  const int64_t shifted = int64_t{x} * (int64_t{1} << n);
  return static_cast<int32_t>(std::clamp<int64_t>(shifted, std::numeric_limits<int32_t>::min(), one_q0));
}

/// exp(a) in Q0 for a in [-1/4, 0), Q0: Taylor's series around -1/8, x = a + 1/8.
int32_t exp_near_zero(int32_t a) {
  constexpr int32_t exp_of_minus_eighth = 1895147668, third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = srdhm(x, x);
  const int32_t x3 = srdhm(x2, x);
  const int32_t x4 = srdhm(x2, x2);
  // x^4 / 24 + x^3 / 6 + x^2 / 2
  const int32_t higher = rdbp(srdhm(rdbp(x4, 2) + x3, third) + x2, 1);
  return exp_of_minus_eighth + srdhm(exp_of_minus_eighth, x + higher);
}

/// exp(a) in Q0 for a <= 0 in Q5.
int32_t exp_of_negative(int32_t a) {
  if (a == 0) return one_q0;
  // a = r - d / 4: r in [-1/4, 0) by the series, the rest as a product of exp(-2^i) over the bits of d.
  constexpr int32_t quarter = 1 << 24;
  const int32_t r = (a & (quarter - 1)) - quarter;
  const int32_t rest = r - a;
  constexpr int32_t exp_of_minus_power[] = {1672461947, 1302514674, 790015084, 290630308,  // 1/4, 1/2, 1, 2,
                                            39332535,   720401,     242};                  // 4, 8, 16
  int32_t result = exp_near_zero(shift_left(r, 5));
  for (int i = 0; i < 7; ++i) {
    if (rest & (quarter << i)) result = srdhm(result, exp_of_minus_power[i]);
  }
  return result;
}

/// 1 / (1 + x) in Q0 for x in [0, 1), Q0: three steps of Newton's method for half the denominator.
int32_t one_over_one_plus(int32_t x) {
  constexpr int32_t c48_17 = 1515870810, c32_17 = 1010580540;                                  // Q2
  const auto half_denominator = static_cast<int32_t>((int64_t{x} + int64_t{one_q0} + 1) / 2);  // rounded
  int32_t y = c48_17 + srdhm(half_denominator, -c32_17);
  for (int step = 0; step < 3; ++step) {
    const int32_t error = one_q2 - srdhm(half_denominator, y);
    y += shift_left(srdhm(y, error), 2);
  }
  return shift_left(y, 1);  // half of a Q2 is the same bits as a Q1; one more bit makes it a Q0
}

void softmax_row(const int32_t* in, int32_t* out, int64_t depth, Multiplier m, int32_t lowest_difference, Range range) {
  const int32_t largest = *std::max_element(in, in + depth);
  const auto exp_of = [&](int32_t value) { return exp_of_negative(mbqm(value - largest, m)); };
  uint32_t sum = 0;  // Q12
  for (int64_t i = 0; i < depth; ++i) {
    if (in[i] - largest >= lowest_difference) sum += static_cast<uint32_t>(rdbp(exp_of(in[i]), 12));
  }
  // sum = (1 + x) 2^(bits over unit), x in [0, 1)
  const int leading = std::countl_zero(sum);
  const int bits_over_unit = 12 - leading;
  const auto x = static_cast<int32_t>((sum << leading) - (uint32_t{1} << 31));
  const int32_t reciprocal = one_over_one_plus(x);
  for (int64_t i = 0; i < depth; ++i) {
    out[i] = range.low;
    if (in[i] - largest >= lowest_difference) {
      out[i] = range.clamp(rdbp(srdhm(reciprocal, exp_of(in[i])), bits_over_unit + 31 - 8) + range.low);
    }
  }
}

/// 1 / sqrt(x) ~ mantissa 2^(exponent - 31), for x >= 0 (x = 0 as x = 1), exponent <= 0.
Multiplier inverse_square_root(int32_t x) {
  if (x <= 1) return {one_q0, 0};
  int right = 11;
  while (x >= 1 << 29) {
    x /= 4;
    ++right;
  }
  const int pairs = (std::countl_zero(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  right -= pairs;
  x <<= 2 * pairs;  // now in [2^27, 2^29)
  // Newton's method on y = 1 / sqrt(x) in Q3: y (3 - x y^2) / 2.
  const int32_t half = rdbp(x >> 1, 1);
  constexpr int32_t half_of_three = (1 << 28) + (1 << 27);
  int32_t y = 1 << 28;
  for (int step = 0; step < 5; ++step) {
    const int32_t y3 = shift_left(srdhm(srdhm(y, y), y), 6);       // Q9 to Q3
    y = shift_left(srdhm(half_of_three, y) - srdhm(half, y3), 3);  // Q6 to Q3
  }
  constexpr int32_t half_sqrt_2 = 1518500250;
  int32_t mantissa = srdhm(y, half_sqrt_2);
  if (right < 0) {
    mantissa <<= -right;
    right = 0;
  }
  return {mantissa, -right};
}

void softmax_float(const float* in, float* out, int64_t depth, float beta) {
  const float largest = *std::max_element(in, in + depth);
  float sum = 0;
  for (int64_t i = 0; i < depth; ++i) {
    out[i] = std::exp((in[i] - largest) * beta);
    sum += out[i];
  }
  for (int64_t i = 0; i < depth; ++i) out[i] /= sum;
}

}  // namespace

void softmax(Context& context) {
  context.require_same_type(0);
  context.require_output_shape(0, context.shape(0));
  context.require(!context.shape(0).empty(), "wants at least one dimension");
  const float beta = context.options<SoftmaxOptions>().beta;
  const int64_t depth = context.shape(0).back();
  if (context.input(0).type == DataType::Float32) {
    const std::vector<float> in = context.read<float>(0);
    std::vector<float> out(in.size());
    for (size_t at = 0; at < in.size(); at += static_cast<size_t>(depth)) {
      softmax_float(&in[at], &out[at], depth, beta);
    }
    return context.write(0, out);
  }
  const Range range = range_of(context.output().type);
  context.require(context.scale(context.output()) == 1.0f / 256 && context.zero_point(context.output()) == range.low,
                  "wants an output of scale 1/256 whose zero point is the type's lowest value");
  // Differences become Q5; those that would pass -31 there count as minus infinity.
  const double scaled = std::min(double{beta} * double{context.scale(context.input(0))} * 67108864.0, 2147483647.0);
  context.require(scaled > 1, "has a beta too small");
  const Multiplier m = context.multiplier(scaled);
  const auto lowest_difference = static_cast<int32_t>(-std::floor(31.0 * 67108864.0 / std::exp2(m.exponent)));
  const std::vector<int32_t> in = context.read_8_bit(0);
  std::vector<int32_t> out(in.size());
  for (size_t at = 0; at < in.size(); at += static_cast<size_t>(depth)) {
    softmax_row(&in[at], &out[at], depth, m, lowest_difference, range);
  }
  context.write_quantized(0, out);
}

void l2_normalization(Context& context) {
  context.require_same_type(0);
  context.require_output_shape(0, context.shape(0));
  context.require(!context.shape(0).empty(), "wants at least one dimension");
  context.require(context.options<L2NormalizationOptions>().activation == Activation::None, "has a fused activation");
  const DataType type = context.input(0).type;
  const Range range = range_of(type);
  const int32_t zero = type == DataType::UInt8 ? 128 : 0;
  const std::vector<int32_t> in = context.read_quantized(0);
  context.require(context.scale(context.output()) == 1.0f / 128 && context.zero_point(context.output()) == zero,
                  "wants an output of scale 1/128 whose zero point is 128 (UINT8) or 0 (INT8)");
  std::vector<int32_t> out(in.size());
  const auto depth = static_cast<size_t>(context.shape(0).back());
  for (size_t at = 0; at < in.size(); at += depth) {
    int64_t squares = 0;
    for (size_t i = 0; i < depth; ++i) squares += int64_t{in[at + i]} * in[at + i];
    const Multiplier m = inverse_square_root(wrap_to_int32(squares));
    for (size_t i = 0; i < depth; ++i) {
      // The factor 128 is a multiplication for UINT8, and a part of the shift for INT8.
      const int32_t value = in[at + i];
      const int32_t scaled = type == DataType::UInt8 ? mbqm(128 * value, m) : mbqm(value, {m.mantissa, m.exponent + 7});
      out[at + i] = range.clamp(scaled + zero);
    }
  }
  context.write_quantized(0, out);
}

}  // namespace octet::reference
