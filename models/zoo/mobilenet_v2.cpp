#include <algorithm>
#include <string>

#include "models/zoo/networks.h"

namespace octet::zoo {
namespace {

struct Stage {
  int32_t expansion, channels, blocks, stride;  // the stride is the first block's
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
constexpr int32_t kLastChannels = 1280;

// The nearest multiple of 8 that is not below 90 %.
int32_t scaled(int32_t channels, double multiplier) {
  const double wanted = channels * multiplier;
  const int32_t nearest = std::max(static_cast<int32_t>(wanted + 4) / 8 * 8, 8);
  return nearest < 0.9 * wanted ? nearest + 8 : nearest;
}

Conv relu6_conv(int32_t channels, int32_t size = 1, int32_t stride = 1) {
  return {.channels = channels,
          .height = size,
          .width = size,
          .stride = stride,
          .activation = Activation::Relu6,
          .deviation = kRelu6Deviation};
}

// Inverted residual with a linear bottleneck.
Signal bottleneck(Layers& layers, const Signal& input, const std::string& name, int32_t expansion, int32_t channels,
                  int32_t stride) {
  Signal x = input;
  if (expansion > 1) x = layers.conv(x, name + "/expand", relu6_conv(expansion * input.channels));
  x = layers.depthwise(x, name + "/depthwise", {stride, kRelu6Deviation});
  x = layers.conv(x, name + "/project", {.channels = channels, .activation = Activation::None});
  if (stride > 1 || channels != input.channels) return x;
  return layers.add(input, x, name + "/add", Activation::None);
}

// TF-Slim's quantized files average with a pool, Keras's with a mean.
Signal global_average(Layers& layers, const Signal& x, const std::string& name) {
  if (layers.type() == DataType::Int8) return layers.mean(x, name, true);
  return layers.average_pool(x, name, {.height = x.height, .width = x.width, .padding = Padding::Valid});
}

}  // namespace

Model mobilenet_v2(const Order& order, double multiplier, int32_t resolution) {
  Layers layers(order);
  Signal x = layers.image(resolution, -1, 127.0 / 128);
  x = layers.conv(x, "MobilenetV2/Conv", relu6_conv(scaled(32, multiplier), 3, 2));
  int index = 0;
  for (const Stage& stage : kStages)
    for (int32_t block = 0; block < stage.blocks; ++block) {
      std::string name = "MobilenetV2/expanded_conv";
      if (index > 0) name.append("_").append(std::to_string(index));
      x = bottleneck(layers, x, name, stage.expansion, scaled(stage.channels, multiplier),
                     block == 0 ? stage.stride : 1);
      ++index;
    }
  x = layers.conv(x, "MobilenetV2/Conv_1", relu6_conv(scaled(kLastChannels, std::max(multiplier, 1.0))));
  x = global_average(layers, x, "MobilenetV2/Logits/AvgPool");
  x = layers.conv(x, "MobilenetV2/Logits/Conv2d_1c_1x1",
                  {.channels = kClassesAndBackground, .activation = Activation::None, .deviation = kLogitDeviation});
  x = layers.flatten(x, "MobilenetV2/Logits/Squeeze");
  return layers.finish(layers.softmax(x, "MobilenetV2/Predictions/Softmax"));
}

}  // namespace octet::zoo
