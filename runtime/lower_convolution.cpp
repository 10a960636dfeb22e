// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "runtime/lower.h"

namespace octet {
namespace {

/// The tensors of a convolution, by their place among the operator's inputs.
struct Places {
  size_t input, filter, bias;
};

int64_t element(const Tensor& filter, size_t i) {
  return filter.type == DataType::UInt8 ? static_cast<int64_t>(std::to_integer<uint8_t>(filter.data[i]))
                                        : static_cast<int64_t>(static_cast<int8_t>(filter.data[i]));
}

int32_t bias_at(const Tensor& bias, size_t i) {
  int32_t value = 0;
  std::memcpy(&value, bias.data.data() + i * 4, 4);
  return value;
}

/// Zero point of the filter; its scales are one, or one a channel along `channel_axis`. int8 filters are symmetric, but
/// for those of fully-connected layers with one scale.
int32_t check_filter(const OpLowering& l, const Tensor& filter, size_t channel_axis, bool may_be_asymmetric = false) {
  l.require(!filter.data.empty(), "filter " + filter.name + " is computed as the network runs; it must be a constant");
  const Quantization& q = filter.quantization;
  if (q.scale.size() <= 1) {
    const int32_t zero_point = l.scale_of(filter).zero_point;
    l.require(filter.type == DataType::UInt8 || zero_point == 0 || may_be_asymmetric,
              "filter " + filter.name + " is INT8 with zero point " + std::to_string(zero_point) + "; it must be 0");
    return zero_point;
  }
  const auto channels = static_cast<size_t>(filter.shape[channel_axis]);
  l.require(filter.type == DataType::Int8,
            "filter " + filter.name + " has a scale a channel, which only INT8 may have");
  l.require(
      q.scale.size() == channels && q.zero_point.size() == channels && q.axis == static_cast<int32_t>(channel_axis),
      "filter " + filter.name + " has " + std::to_string(q.scale.size()) + " scales along axis " +
          std::to_string(q.axis) + "; it must have 1, or " + std::to_string(channels) + " along axis " +
          std::to_string(channel_axis));
  for (const float scale : q.scale) {
    l.require(std::isfinite(scale) && scale >= 0, "filter " + filter.name + " has scale " + std::to_string(scale) +
                                                      "; scales must be finite and not negative");
  }
  l.require(std::ranges::all_of(q.zero_point, [](int64_t zero) { return zero == 0; }),
            "filter " + filter.name + " is INT8 with a zero point other than 0");
  return 0;
}

/// A bias is a constant with one int32 a channel, in steps of about the product of the scales of input and filter.
void check_bias(const OpLowering& l, const Places& at, int32_t channels) {
  if (!l.has_input(at.bias)) return;
  const Tensor& bias = l.input(at.bias);
  l.require(!bias.data.empty(), "bias " + bias.name + " is computed as the network runs; it must be a constant");
  l.require(element_count(bias.shape) == channels, "bias " + bias.name + " has shape " + to_string(bias.shape) +
                                                       "; it must have one element for each of " +
                                                       std::to_string(channels) + " output channels");
  const Tensor& filter = l.input(at.filter);
  const bool one_scale = filter.quantization.scale.size() == 1 && bias.quantization.scale.size() == 1;
  if (filter.type != DataType::UInt8 || !one_scale) return;
  // The reference's bound.
  const double product = l.scale_of(l.input(at.input)).scale * filter.quantization.scale[0];
  const double off = std::abs(product - static_cast<double>(bias.quantization.scale[0])) / l.scale_of(l.output()).scale;
  l.require(off <= 0.02, "bias " + bias.name + " has scale " + std::to_string(bias.quantization.scale[0]) +
                             "; it must be that of input and filter multiplied, " + std::to_string(product));
}

/// No input can drive the accumulator of output channel `c` past 32 bits. `weights` are the sums of |w - Z_w| a
/// channel.
void check_accumulators(const OpLowering& l, const Places& at, const std::vector<int64_t>& weights) {
  const Tensor& input = l.input(at.input);
  const int32_t zero = l.scale_of(input).zero_point;
  const int64_t reach = std::max(highest(input.type) - zero, zero - lowest(input.type));
  for (size_t c = 0; c < weights.size(); ++c) {
    const int64_t bias = l.has_input(at.bias) ? std::abs(int64_t{bias_at(l.input(at.bias), c)}) : 0;
    l.require(
        weights[c] <= (std::numeric_limits<int32_t>::max() - bias) / reach,
        "the sums of output channel " + std::to_string(c) + " can pass 32 bits; smaller weights or biases are needed");
  }
}

/// Sums of |w - Z_w| of a filter whose outermost dimension is the output channel.
std::vector<int64_t> weight_sums_outermost(const Tensor& filter, int32_t zero_point) {
  const auto channels = static_cast<size_t>(filter.shape[0]);
  const size_t each = filter.data.size() / channels;
  std::vector<int64_t> sums(channels);
  for (size_t i = 0; i < filter.data.size(); ++i) sums[i / each] += std::abs(element(filter, i) - zero_point);
  return sums;
}

std::vector<int64_t> weight_sums_innermost(const Tensor& filter, int32_t zero_point) {
  const auto channels = static_cast<size_t>(filter.shape.back());
  std::vector<int64_t> sums(channels);
  for (size_t i = 0; i < filter.data.size(); ++i) sums[i % channels] += std::abs(element(filter, i) - zero_point);
  return sums;
}

/// The product of the input's and the filter's scales is rounded to float first for uint8 and for int8 fully-connected
/// layers with one scale; else all is double.
std::vector<FixedPoint> rescales(const OpLowering& l, const Places& at, bool float_product) {
  const float in = l.scale_of(l.input(at.input)).scale;
  const double out = l.scale_of(l.output()).scale;
  std::vector<FixedPoint> all;
  for (const float w : l.input(at.filter).quantization.scale) {
    const double product =
        float_product ? static_cast<double>(in * w) : static_cast<double>(in) * static_cast<double>(w);
    all.push_back(l.rescale(product / out, "the factor from accumulator to output"));
  }
  return all;
}

std::vector<int32_t> ids(const OpLowering& l, const Places& at) {
  return {l.input_id(at.input), l.input_id(at.filter), l.input_id(at.bias)};
}

void check_steps(const OpLowering& l, std::initializer_list<int32_t> steps) {
  l.require(std::ranges::all_of(steps, [](int32_t step) { return step >= 1; }),
            "strides and dilations must be at least 1");
}

}  // namespace

void lower_conv_2d(OpLowering& l) {
  constexpr Places at{0, 1, 2};
  const auto& options = l.options<Conv2DOptions>();
  const Tensor& input = l.input(at.input);
  const Tensor& filter = l.input(at.filter);
  l.require_rank(input, 4);
  l.require_rank(filter, 4);
  check_steps(l, {options.stride_w, options.stride_h, options.dilation_w, options.dilation_h});
  const Shape& in = input.shape;
  const Shape& f = filter.shape;
  l.require(in[3] % f[3] == 0 && f[0] % (in[3] / f[3]) == 0, "a filter of shape " + to_string(f) + " does not divide " +
                                                                 std::to_string(in[3]) + " input channels into groups");

  Convolution op{};
  const Window y = window(in[1], f[1], options.stride_h, options.dilation_h, options.padding);
  const Window x = window(in[2], f[2], options.stride_w, options.dilation_w, options.padding);
  l.require_shape(std::array<int64_t, 4>{in[0], y.out, x.out, f[0]});
  op.batch = in[0], op.in_h = in[1], op.in_w = in[2], op.in_c = in[3];
  op.out_h = y.out, op.out_w = x.out, op.out_c = f[0], op.k_h = f[1], op.k_w = f[2];
  op.stride_h = options.stride_h, op.stride_w = options.stride_w;
  op.dilation_h = options.dilation_h, op.dilation_w = options.dilation_w;
  op.groups = in[3] / f[3];
  op.pads = {.top = y.before, .left = x.before, .bottom = y.after, .right = x.after};
  const int32_t zero_point = check_filter(l, filter, 0);
  check_bias(l, at, op.out_c);
  check_accumulators(l, at, weight_sums_outermost(filter, zero_point));
  op.rescale = rescales(l, at, input.type == DataType::UInt8);
  op.clamp = l.clamp_of(options.activation, l.output());
  l.emit(std::move(op), ids(l, at), {l.output_id()});
}

void lower_depthwise_conv_2d(OpLowering& l) {
  constexpr Places at{0, 1, 2};
  const auto& options = l.options<DepthwiseConv2DOptions>();
  const Tensor& input = l.input(at.input);
  const Tensor& filter = l.input(at.filter);
  l.require_rank(input, 4);
  l.require_rank(filter, 4);
  check_steps(l, {options.stride_w, options.stride_h, options.dilation_w, options.dilation_h});
  const Shape& in = input.shape;
  const Shape& f = filter.shape;
  l.require(f[0] == 1 && f[3] % in[3] == 0,
            "a depthwise filter of shape " + to_string(f) + " does not fit " + std::to_string(in[3]) +
                " input channels; it must be 1 x height x width" + " x a multiple of them");

  Depthwise op{};
  const Window y = window(in[1], f[1], options.stride_h, options.dilation_h, options.padding);
  const Window x = window(in[2], f[2], options.stride_w, options.dilation_w, options.padding);
  l.require_shape(std::array<int64_t, 4>{in[0], y.out, x.out, f[3]});
  op.batch = in[0], op.in_h = in[1], op.in_w = in[2], op.in_c = in[3];
  op.out_h = y.out, op.out_w = x.out, op.out_c = f[3], op.k_h = f[1], op.k_w = f[2];
  op.stride_h = options.stride_h, op.stride_w = options.stride_w;
  op.dilation_h = options.dilation_h, op.dilation_w = options.dilation_w;
  op.depth_multiplier = f[3] / in[3];
  op.pads = {.top = y.before, .left = x.before, .bottom = y.after, .right = x.after};
  const int32_t zero_point = check_filter(l, filter, 3);
  check_bias(l, at, op.out_c);
  check_accumulators(l, at, weight_sums_innermost(filter, zero_point));
  op.rescale = rescales(l, at, input.type == DataType::UInt8);
  op.clamp = l.clamp_of(options.activation, l.output());
  l.emit(std::move(op), ids(l, at), {l.output_id()});
}

void lower_fully_connected(OpLowering& l) {
  constexpr Places at{0, 1, 2};
  const auto& options = l.options<FullyConnectedOptions>();
  l.require(!options.shuffled_weights,
            "weights shuffled in 4x16 blocks are not supported; convert the network without them");
  const Tensor& input = l.input(at.input);
  const Tensor& filter = l.input(at.filter);
  l.require_rank(filter, 2);
  const int32_t units = filter.shape[0];
  const int32_t depth = filter.shape[1];
  const int64_t elements = element_count(input.shape);
  l.require(elements % depth == 0, "an input of shape " + to_string(input.shape) + " does not divide into rows of " +
                                       std::to_string(depth) + ", as the weights have");
  const int64_t rows = elements / depth;
  if (options.keep_num_dims) {
    l.require(!input.shape.empty() && input.shape.back() == depth, "an input of shape " + to_string(input.shape) +
                                                                       " must end in " + std::to_string(depth) +
                                                                       ", as the weights do");
    std::vector<int64_t> shape(input.shape.begin(), input.shape.end());
    shape.back() = units;
    l.require_shape(shape);
  } else {
    l.require_shape(std::array<int64_t, 2>{rows, units});
  }

  Convolution op{};
  op.batch = static_cast<int32_t>(rows), op.in_h = 1, op.in_w = 1, op.in_c = depth;
  op.out_h = 1, op.out_w = 1, op.out_c = units, op.k_h = 1, op.k_w = 1;
  const int32_t zero_point = check_filter(l, filter, 0, true);
  check_bias(l, at, units);
  check_accumulators(l, at, weight_sums_outermost(filter, zero_point));
  op.rescale = rescales(l, at, filter.quantization.scale.size() == 1);
  op.clamp = l.clamp_of(options.activation, l.output());
  l.emit(std::move(op), ids(l, at), {l.output_id()});
}

void lower_transpose_conv(OpLowering& l) {
  constexpr Places at{2, 1, 3};
  const auto& options = l.options<Conv2DOptions>();
  const Tensor& input = l.input(at.input);
  const Tensor& filter = l.input(at.filter);
  l.require_rank(input, 4);
  l.require_rank(filter, 4);
  check_steps(l, {options.stride_w, options.stride_h});
  const Shape& in = input.shape;
  const Shape& f = filter.shape;
  l.require(f[3] == in[3], "filter " + filter.name + " of shape " + to_string(f) + " must end in the " +
                               std::to_string(in[3]) + " input channels");
  const std::vector<int64_t> out = l.integers(0, "output shape");
  l.require(out.size() == 4 && out[0] == in[0] && out[3] == f[0],
            "its output shape must be that of 4 dimensions, with a batch of " + std::to_string(in[0]) + " and " +
                std::to_string(f[0]) + " channels");
  l.require_shape(out);

  Convolution op{};
  op.transposed = true;
  op.batch = in[0], op.in_h = in[1], op.in_w = in[2], op.in_c = in[3];
  op.out_h = static_cast<int32_t>(out[1]), op.out_w = static_cast<int32_t>(out[2]);
  op.out_c = f[0], op.k_h = f[1], op.k_w = f[2];
  op.stride_h = options.stride_h, op.stride_w = options.stride_w;
  // The pads are those of the convolution that would make the input from the output.
  const Window y = window(op.out_h, f[1], options.stride_h, 1, options.padding);
  const Window x = window(op.out_w, f[2], options.stride_w, 1, options.padding);
  op.pads = {.top = y.before, .left = x.before, .bottom = y.after, .right = x.after};
  const int32_t zero_point = check_filter(l, filter, 0);
  check_bias(l, at, op.out_c);
  check_accumulators(l, at, weight_sums_outermost(filter, zero_point));
  op.rescale = rescales(l, at, input.type == DataType::UInt8);
  op.clamp = l.clamp_of(options.activation, l.output());
  l.emit(std::move(op), ids(l, at), {l.output_id()});
}

}  // namespace octet
