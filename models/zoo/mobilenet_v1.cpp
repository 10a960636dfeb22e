#include <algorithm>
#include <string>

#include "models/zoo/networks.h"

namespace octet::zoo {
namespace {

struct Block {
  int32_t stride, channels;
};
constexpr Block kBlocks[] = {{1, 64},  {2, 128}, {1, 128}, {2, 256}, {1, 256},  {2, 512}, {1, 512},
                             {1, 512}, {1, 512}, {1, 512}, {1, 512}, {2, 1024}, {1, 1024}};

}  // namespace

Model mobilenet_v1(const Order& order, double multiplier, int32_t resolution) {
  const auto scaled = [&](int32_t channels) { return std::max(static_cast<int32_t>(channels * multiplier), 8); };
  const auto conv = [&](int32_t channels, int32_t size, int32_t stride) {
    return Conv{.channels = scaled(channels),
                .height = size,
                .width = size,
                .stride = stride,
                .activation = Activation::Relu6,
                .deviation = kRelu6Deviation};
  };
  Layers layers(order);
  Signal x = layers.image(resolution, -1, 127.0 / 128);
  x = layers.conv(x, "MobilenetV1/Conv2d_0", conv(32, 3, 2));
  int index = 1;
  for (const Block& block : kBlocks) {
    const std::string name = "MobilenetV1/Conv2d_" + std::to_string(index++);
    x = layers.depthwise(x, name + "_depthwise", {block.stride, kRelu6Deviation});
    x = layers.conv(x, name + "_pointwise", conv(block.channels, 1, 1));
  }
  x = layers.average_pool(x, "MobilenetV1/Logits/AvgPool_1a",
                          {.height = x.height, .width = x.width, .padding = Padding::Valid});
  x = layers.conv(x, "MobilenetV1/Logits/Conv2d_1c_1x1",
                  {.channels = kClassesAndBackground, .activation = Activation::None, .deviation = kLogitDeviation});
  x = layers.flatten(x, "MobilenetV1/Logits/SpatialSqueeze");
  return layers.finish(layers.softmax(x, "MobilenetV1/Predictions/Softmax"));
}

}  // namespace octet::zoo
