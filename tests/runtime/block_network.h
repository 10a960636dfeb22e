// Networks of blocks as MobileNets have them: a 1x1 convolution or none, a depthwise one, a 1x1 one, an ADD or none.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "models/builder.h"

namespace octet {

struct BlockShape {
  int32_t expanded;  // channels; 0: the depthwise convolution is the first
  int32_t out_c;
  int32_t k = 3, stride = 1, dilation = 1;
  Padding padding = Padding::Same;
  int32_t multiplier = 1;
  bool adds = false;   // its input, which then has the output's shape
  bool plain = false;  // a convolution of all channels in the place of the depthwise one and the 1x1 after it
};

struct BlockNetwork {
  DataType type = DataType::Int8;  // with a scale for each channel of a filter; uint8: zero points, for some far off
  int32_t height, width, channels;
  std::vector<BlockShape> blocks;
};

/// Random weights, the same everywhere; all layers' values are spread over their range.
inline Model block_network(const BlockNetwork& network, uint32_t seed = 1) {
  ModelBuilder b("blocks");
  std::mt19937 random(seed);
  const DataType type = network.type;
  const bool is_signed = type == DataType::Int8;
  const auto integer = [&](int32_t lo, int32_t hi) {
    return lo + static_cast<int32_t>(random() % static_cast<uint32_t>(hi - lo + 1));
  };
  const auto activation = [&](float scale) { return quantized(scale, integer(100, 150) - (is_signed ? 128 : 0)); };
  struct Value {
    int32_t tensor;
    std::vector<int32_t> shape;
    float scale;
  };
  /// One convolution; `axis`: of the filter's output channels.
  const auto convolution = [&](OpCode op, const Value& in, std::vector<int32_t> filter, int32_t axis, Options options,
                               std::vector<int32_t> shape) {
    const auto count = static_cast<size_t>(element_count(filter));
    const int32_t channels = filter[static_cast<size_t>(axis)];
    const auto each = static_cast<size_t>(channels);
    std::vector<std::byte> weights(count);
    for (std::byte& w : weights) w = static_cast<std::byte>(is_signed ? integer(-127, 127) : integer(0, 255));
    std::vector<float> scales(is_signed ? each : 1);
    for (float& s : scales) s = 0.002f * static_cast<float>(integer(8, 12)) / 10;
    const bool far_off = integer(0, 3) == 0;
    const Quantization q =
        is_signed ? quantized(scales, axis) : quantized(scales[0], far_off ? 255 : integer(100, 150));
    const int32_t f = b.constant({"filter", filter, type, q}, weights);
    for (float& s : scales) s *= in.scale;
    std::vector<int32_t> biases(each);
    for (int32_t& bias : biases) bias = integer(-3000, 3000);
    const int32_t bias =
        b.constant<int32_t>("bias", {channels}, biases, is_signed ? quantized(scales, 0) : quantized(scales[0], 0));
    const auto depth = static_cast<float>(op == OpCode::Conv2D ? filter[3] : filter[1] * filter[2]);
    const float scale = in.scale * 0.14f * std::sqrt(depth) * (far_off ? 2 : 1);
    const int32_t y = b.op(op, {in.tensor, f, bias}, std::move(options), {"y", shape, type, activation(scale)});
    return Value{y, std::move(shape), scale};
  };
  const auto pointwise = [&](const Value& in, int32_t channels, Activation with) {
    return convolution(OpCode::Conv2D, in, {channels, 1, 1, in.shape[3]}, 0, Conv2DOptions{.activation = with},
                       {1, in.shape[1], in.shape[2], channels});
  };
  const std::vector<int32_t> shape{1, network.height, network.width, network.channels};
  Value x{b.input({"x", shape, type, activation(0.02f)}), shape, 0.02f};
  for (const BlockShape& block : network.blocks) {
    Value y = block.expanded > 0 ? pointwise(x, block.expanded, Activation::Relu6) : x;
    DepthwiseConv2DOptions options{.padding = block.padding, .depth_multiplier = block.multiplier};
    options.stride_w = options.stride_h = block.stride;
    options.dilation_w = options.dilation_h = block.dilation;
    const int32_t channels = y.shape[3] * block.multiplier;
    const auto extent = [&](size_t axis) {
      return window_output(y.shape[axis], block.k, block.stride, block.padding, block.dilation);
    };
    if (block.plain) {
      Conv2DOptions plain{.padding = block.padding};
      plain.stride_w = plain.stride_h = block.stride;
      plain.dilation_w = plain.dilation_h = block.dilation;
      y = convolution(OpCode::Conv2D, y, {block.out_c, block.k, block.k, y.shape[3]}, 0, plain,
                      {1, extent(1), extent(2), block.out_c});
    } else {
      y = convolution(OpCode::DepthwiseConv2D, y, {1, block.k, block.k, channels}, 3, options,
                      {1, extent(1), extent(2), channels});
      y = pointwise(y, block.out_c, Activation::None);
    }
    if (block.adds) {
      const float scale = std::max(x.scale, y.scale) * 1.3f;
      const int32_t sum =
          b.op(OpCode::Add, {x.tensor, y.tensor}, ElementwiseOptions{}, {"sum", y.shape, type, activation(scale)});
      y = {sum, y.shape, scale};
    }
    x = y;
  }
  b.output(x.tensor);
  return b.build();
}

}  // namespace octet
