// Operators that are functions of one 8-bit value become tables of 256 entries: LOGISTIC, TANH, RELU, RELU6,
// RELU_N1_TO_1, HARD_SWISH, LEAKY_RELU, and the rescaling parts of QUANTIZE, CAST and CONCATENATION. Each entry is what
// the reference computes for that value, in the file's own types. Floating point must not be contracted here.
#include <algorithm>
#include <cmath>

#include "runtime/fixed_point.h"
#include "runtime/lower.h"

namespace octet {
namespace {

/// The bytes of f(q) for every q of type `in`.
template <typename F>
Lookup tabulate(DataType in, F f) {
  Lookup lookup;
  for (int32_t q = lowest(in); q <= highest(in); ++q) {
    lookup.table[static_cast<uint8_t>(q)] = static_cast<uint8_t>(f(q));
  }
  return lookup;
}

int32_t saturated(int64_t value, Clamp clamp) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, clamp.lo, clamp.hi));
}

/// The sum wraps, as the reference's does.
int32_t clamped_sum(int32_t zero_point, int32_t value, Clamp clamp) {
  return saturated(static_cast<int32_t>(static_cast<uint32_t>(zero_point) + static_cast<uint32_t>(value)), clamp);
}

/// A rounded float as an integer; what does not fit saturates.
int64_t to_integer(float rounded) {
  return std::isnan(rounded) ? 0 : static_cast<int64_t>(std::clamp(rounded, -1e9F, 1e9F));
}

Clamp range_of(const Tensor& tensor) { return {lowest(tensor.type), highest(tensor.type)}; }

void require_same_shape(const OpLowering& l) {
  l.require_shape(std::vector<int64_t>(l.input().shape.begin(), l.input().shape.end()));
}

/// out = round(f(S_in (q - Z_in)) / S_out) + Z_out, in float.
void lower_float_function(OpLowering& l, float (*f)(float)) {
  require_same_shape(l);
  const Scale in = l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  const float inverse = 1 / out.scale;
  l.emit(tabulate(l.input().type, [&](int32_t q) {
    const float x = in.scale * static_cast<float>(q - in.zero_point);
    const float rounded = std::round(f(x) * inverse);
    return saturated(to_integer(rounded + static_cast<float>(out.zero_point)), range_of(l.output()));
  }));
}

void lower_rectifier(OpLowering& l, Activation activation) {
  require_same_shape(l);
  const Scale in = l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  const float factor = in.scale / out.scale;
  l.emit(requantize_table(l.input().type, in.zero_point, l.output().type, out.zero_point,
                          l.rescale(factor, "the factor from input to output"), l.clamp_of(activation, l.output())));
}

// ---- HARD_SWISH: a pipeline of 16-bit values.

constexpr int32_t kMax16 = 32767;
constexpr int32_t kMin16 = -32768;

int32_t saturate16(int64_t x) { return static_cast<int32_t>(std::clamp<int64_t>(x, kMin16, kMax16)); }

int32_t shift_left16(int32_t x, int32_t n) { return saturate16(int64_t{x} * (int64_t{1} << std::min(n, 31))); }

/// Rounding doubling high multiply of 16 bits.
int32_t srdhm16(int32_t a, int32_t b) {
  if (a == kMin16 && b == kMin16) return kMax16;
  const int32_t product = a * b;
  const int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return (product + nudge) / (1 << 15);
}

/// The same, truncating.
int32_t sdhm16(int32_t a, int32_t b) { return a == kMin16 && b == kMin16 ? kMax16 : a * b / (1 << 15); }

int32_t divide16(int32_t x, int32_t n) { return n > 31 ? 0 : rounding_divide_by_pot(x, n); }

/// A 31-bit multiplier in 16 bits.
FixedPoint narrow(FixedPoint m) {
  const int64_t rounded = (int64_t{m.multiplier} + (1 << 15)) >> 16;
  return {saturate16(rounded), m.shift};
}

int32_t hard_swish(int32_t x, FixedPoint reluish, FixedPoint output) {
  const int32_t hires = static_cast<int16_t>(x * (1 << 7));
  const int32_t preshift = srdhm16(hires, output.multiplier);
  // x from [-3, 3] to [-1, 1], saturating; the last step of a left shift comes after the multiplication.
  int32_t r = hires;
  if (reluish.shift > 0) r = shift_left16(r, reluish.shift - 1);
  r = srdhm16(r, reluish.multiplier);
  if (reluish.shift > 0) r = shift_left16(r, 1);
  if (reluish.shift < 0) r = divide16(r, -reluish.shift);
  r = (r + (1 << 15)) >> 1;  // to [0, 1]
  return divide16(sdhm16(r, preshift), -output.shift);
}

}  // namespace

Lookup requantize_table(DataType in_type, int32_t in_zero, DataType out_type, int32_t out_zero, FixedPoint rescale,
                        Clamp clamp) {
  clamp = {std::max(clamp.lo, lowest(out_type)), std::min(clamp.hi, highest(out_type))};
  return tabulate(in_type, [&](int32_t q) {
    return clamped_sum(out_zero, multiply_by_quantized_multiplier(q - in_zero, rescale), clamp);
  });
}

Lookup concatenation_table(Scale in, Scale out) {
  const float scale = in.scale * (1.0F / out.scale);
  const float bias = static_cast<float>(-in.zero_point) * scale;
  return tabulate(DataType::UInt8, [&](int32_t q) {
    const float rounded = std::round(static_cast<float>(q) * scale + bias);
    return saturated(to_integer(rounded) + out.zero_point, {0, 255});
  });
}

Lookup identity_table() {
  return tabulate(DataType::UInt8, [](int32_t q) { return q; });
}

void lower_logistic(OpLowering& l) {
  l.require(l.scale_of(l.output()).scale == 1.0F / 256, "its output must have scale 1/256");
  lower_float_function(l, [](float x) { return 1.0F / (1.0F + std::exp(-x)); });
}

void lower_tanh(OpLowering& l) {
  lower_float_function(l, [](float x) { return std::tanh(x); });
}

void lower_relu(OpLowering& l) { lower_rectifier(l, Activation::Relu); }
void lower_relu6(OpLowering& l) { lower_rectifier(l, Activation::Relu6); }
void lower_relu_n1_to_1(OpLowering& l) { lower_rectifier(l, Activation::ReluN1To1); }

void lower_hard_swish(OpLowering& l) {
  require_same_shape(l);
  const Scale in = l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  const float hires_scale = (1.0F / 128.0F) * in.scale;
  const float reluish_scale = 3.0F / 32768.0F;
  const float output_factor = hires_scale / out.scale;
  const float reluish_factor = hires_scale / reluish_scale;
  const FixedPoint output = narrow(l.rescale(output_factor, "the factor from input to output"));
  const FixedPoint reluish = narrow(quantize_multiplier(reluish_factor));
  l.require(output.shift <= 0, "its input's scale must be less than 128 times its output's");
  l.emit(tabulate(l.input().type, [&](int32_t q) {
    return saturated(out.zero_point + hard_swish(q - in.zero_point, reluish, output), range_of(l.output()));
  }));
}

void lower_leaky_relu(OpLowering& l) {
  require_same_shape(l);
  const Scale in = l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  const float alpha = l.options<LeakyReluOptions>().alpha;
  l.require(std::isfinite(alpha), "its alpha must be finite");
  const float identity_factor = in.scale / out.scale;
  const float alpha_factor = in.scale * alpha / out.scale;
  const FixedPoint identity = l.rescale(identity_factor, "the factor of positive values");
  const FixedPoint negative = l.rescale(alpha_factor, "the factor of negative values");
  l.emit(tabulate(l.input().type, [&](int32_t q) {
    const int32_t x = q - in.zero_point;
    const int32_t y = multiply_by_quantized_multiplier(x, x >= 0 ? identity : negative);
    return clamped_sum(out.zero_point, y, range_of(l.output()));
  }));
}

void lower_quantize(OpLowering& l) {
  require_same_shape(l);
  const Scale out = l.scale_of(l.output());
  if (l.input().type == DataType::Float32) {
    l.emit(Convert{.kind = Convert::Kind::Quantize});
    return;
  }
  const Scale in = l.scale_of(l.input());
  const double factor = static_cast<double>(in.scale) / static_cast<double>(out.scale);
  l.emit(requantize_table(l.input().type, in.zero_point, l.output().type, out.zero_point,
                          l.rescale(factor, "the factor from input to output"), range_of(l.output())));
}

void lower_dequantize(OpLowering& l) {
  require_same_shape(l);
  l.scale_of(l.input());
  l.emit(Convert{.kind = Convert::Kind::Dequantize});
}

void lower_cast(OpLowering& l) {
  require_same_shape(l);
  if (is_8bit(l.input().type) && is_8bit(l.output().type)) {
    l.emit(identity_table());
    return;
  }
  l.emit(Convert{.kind = Convert::Kind::Cast});
}

}  // namespace octet
