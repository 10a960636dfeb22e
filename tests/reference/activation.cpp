// Operators of one element: RELU and its kind, LEAKY_RELU, PRELU, HARD_SWISH, LOGISTIC, TANH.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

/// out = f(q - Z) + Z_out, clamped to the range, for every element of input 0.
template <class F>
void map_quantized(Context& context, Range range, F f) {
  context.require_same_type(0);
  context.require_output_shape(0, context.shape(0));
  const int32_t zero = context.zero_point(context.output());
  std::vector<int32_t> values = context.read_quantized(0);
  for (int32_t& value : values) value = range.clamp(wrap_to_int32(int64_t{f(value)} + zero));
  context.write_quantized(0, values);
}
template <class F>
void map_quantized(Context& context, F f) {
  map_quantized(context, range_of(context.output().type), f);
}

template <class F>
void map_float(Context& context, F f) {
  context.require_same_type(0);
  context.require_output_shape(0, context.shape(0));
  context.require(context.input(0).type == DataType::Float32, "supports UINT8, INT8 and FLOAT32 only");
  std::vector<float> values = context.read<float>(0);
  for (float& value : values) value = f(value);
  context.write(0, values);
}

bool is_quantized(const Context& context) { return is_8_bit(context.input(0).type); }

/// S_in / S_out, the quotient in float.
Multiplier identity_multiplier(const Context& context) {
  return context.multiplier(double{context.scale(context.input(0)) / context.scale(context.output())});
}

/// Requantizes to the output's scale and clamps to the activation's range there.
void clamp_to(Context& context, Activation activation) {
  if (!is_quantized(context)) {
    const FloatRange range = float_range(context, activation);
    return map_float(context, [&](float x) { return range.clamp(x); });
  }
  const Multiplier m = identity_multiplier(context);
  map_quantized(context, quantized_range(context, activation, context.output()), [&](int32_t x) { return mbqm(x, m); });
}

/// A table of all 256 values made in float: round(f(S (q - Z)) / S_out) + Z_out, division by multiplying with 1 /
/// S_out.
template <class F>
void by_table(Context& context, F f) {
  if (!is_quantized(context)) return map_float(context, f);
  const float scale = context.scale(context.input(0));
  const float inverse = 1.0f / context.scale(context.output());
  map_quantized(context, [&](int32_t x) {
    const float y = f(scale * static_cast<float>(x));
    return static_cast<int32_t>(std::round(y * inverse));
  });
}

// 16-bit fixed point, for HARD_SWISH.
int16_t saturate(int32_t x) { return static_cast<int16_t>(std::clamp(x, -32768, 32767)); }
int16_t shift_left(int16_t x, int n) { return saturate(x * (1 << std::min(n, 15))); }
int16_t sqrdmulh(int16_t a, int16_t b) {  // halves away from zero for positive products, towards zero for negative ones
  const int32_t product = int32_t{a} * b;
  return saturate((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}
int16_t sqdmulh_towards_zero(int16_t a, int16_t b) { return saturate(int32_t{a} * b / (1 << 15)); }
int16_t narrow(int32_t mantissa) { return saturate(static_cast<int32_t>((int64_t{mantissa} + (1 << 15)) >> 16)); }

}  // namespace

void relu(Context& context) { clamp_to(context, Activation::Relu); }
void relu_n1_to_1(Context& context) { clamp_to(context, Activation::ReluN1To1); }
void relu6(Context& context) { clamp_to(context, Activation::Relu6); }

void leaky_relu(Context& context) {
  const float alpha = context.options<LeakyReluOptions>().alpha;
  if (!is_quantized(context)) return map_float(context, [&](float x) { return x > 0 ? x : x * alpha; });
  const Multiplier m_identity = identity_multiplier(context);
  const Multiplier m_alpha =
      context.multiplier(double{context.scale(context.input(0)) * alpha / context.scale(context.output())});
  map_quantized(context, [&](int32_t x) { return mbqm(x, x >= 0 ? m_identity : m_alpha); });
}

void prelu(Context& context) {
  context.require_one_type();
  context.require_output_shape(0, broadcast_shape(context, context.shape(0), context.shape(1)));
  context.require_output_shape(0, context.shape(0));
  const std::vector<int64_t> at = broadcast_indices(context.shape(1), context.shape(0));
  size_t i = 0;
  if (!is_quantized(context)) {
    const std::vector<float> alpha = context.read<float>(1);
    return map_float(context, [&](float x) {
      const float slope = alpha[at[i++]];
      return x >= 0 ? x : x * slope;
    });
  }
  const std::vector<int32_t> alpha = context.read_quantized(1);
  const Multiplier m_identity = identity_multiplier(context);
  const Multiplier m_alpha = context.multiplier(
      double{context.scale(context.input(0)) * context.scale(context.input(1)) / context.scale(context.output())});
  map_quantized(context, [&](int32_t x) {
    const int32_t slope = alpha[at[i++]];
    return x >= 0 ? mbqm(x, m_identity) : mbqm(x * slope, m_alpha);
  });
}

// x relu6(x + 3) / 6 in 16 bits. The input, shifted up by 7 bits, goes two ways: to the output's scale but for a right
// shift, and to (x + 3) / 6 clamped to [0, 1] by saturation; the two are multiplied and the shift is made up for.
void hard_swish(Context& context) {
  if (!is_quantized(context)) {
    return map_float(context, [](float x) { return x * std::clamp(x + 3.0f, 0.0f, 6.0f) / 6.0f; });
  }
  const float hires = 1.0f / 128.0f * context.scale(context.input(0));
  const Multiplier m_out = context.multiplier(double{hires / context.scale(context.output())});
  const Multiplier m_relu = context.multiplier(double{hires / (3.0f / 32768.0f)});
  context.require(m_out.exponent <= 0, "has an output scale too small for its input scale");
  const int16_t out_mantissa = narrow(m_out.mantissa), relu_mantissa = narrow(m_relu.mantissa);
  map_quantized(context, [&](int32_t x) {
    const auto up = static_cast<int16_t>(x * (1 << 7));
    const int16_t on_output_scale = sqrdmulh(up, out_mantissa);
    int16_t relu = up;
    if (m_relu.exponent > 0) relu = shift_left(relu, m_relu.exponent - 1);
    relu = sqrdmulh(relu, relu_mantissa);
    if (m_relu.exponent > 0) relu = shift_left(relu, 1);
    if (m_relu.exponent < 0) relu = static_cast<int16_t>(rdbp(relu, -m_relu.exponent));
    relu = static_cast<int16_t>((int32_t{relu} + 32768) >> 1);
    return rdbp(sqdmulh_towards_zero(relu, on_output_scale), -m_out.exponent);
  });
}

void logistic(Context& context) {
  by_table(context, [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
}

void tanh(Context& context) {
  by_table(context, [](float x) { return std::tanh(x); });
}

}  // namespace octet::reference
