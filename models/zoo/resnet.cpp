#include <array>
#include <string>

#include "models/zoo/networks.h"

namespace octet::zoo {
namespace {

struct Depth {
  int32_t depth;
  std::array<int32_t, 4> blocks;
  bool has_bottlenecks;
};
constexpr Depth kDepths[] = {{18, {2, 2, 2, 2}, false},
                             {34, {3, 4, 6, 3}, false},
                             {50, {3, 4, 6, 3}, true},
                             {101, {3, 4, 23, 3}, true},
                             {152, {3, 8, 36, 3}, true}};
constexpr int32_t kWidening = 4;            // of a bottleneck's last convolution
constexpr double kResidualDeviation = 0.6;  // adds up slowly along a stage; each projection starts again at 1

const Depth& depth_named(int32_t depth) {
  for (const Depth& entry : kDepths)
    if (entry.depth == depth) return entry;
  throw ModelError("no ResNet of depth " + std::to_string(depth));
}

// Where a convolution strides, TensorFlow's ResNets pad both sides alike; SAME would pad one side only.
Signal padded_conv(Layers& layers, const Signal& input, const std::string& name, Conv conv) {
  if (conv.stride == 1 || conv.height == 1) return layers.conv(input, name, conv);
  conv.padding = Padding::Valid;
  return layers.conv(layers.pad(input, name + "/pad", conv.height / 2), name, conv);
}

Signal residual(Layers& layers, const Signal& input, const std::string& name, int32_t channels, int32_t stride,
                bool is_bottleneck) {
  const Conv wide{.channels = channels, .height = 3, .width = 3, .stride = stride};
  Conv last{.channels = channels, .activation = Activation::None, .deviation = kResidualDeviation};
  if (is_bottleneck) {
    last.channels *= kWidening;
    const Signal x = layers.conv(input, name + "/conv1", {.channels = channels});
    return layers.conv(padded_conv(layers, x, name + "/conv2", wide), name + "/conv3", last);
  }
  last.height = last.width = 3;
  return layers.conv(padded_conv(layers, input, name + "/conv1", wide), name + "/conv2", last);
}

Signal block(Layers& layers, const Signal& input, const std::string& name, int32_t channels, int32_t stride,
             bool is_bottleneck) {
  const Signal branch = residual(layers, input, name, channels, stride, is_bottleneck);
  Signal shortcut = input;
  if (stride > 1 || branch.channels != input.channels)
    shortcut = layers.conv(input, name + "/shortcut",
                           {.channels = branch.channels, .stride = stride, .activation = Activation::None});
  return layers.add(shortcut, branch, name + "/add", Activation::Relu);
}

}  // namespace

Model resnet(const Order& order, int32_t depth) {
  const Depth& entry = depth_named(depth);
  Layers layers(order);
  Signal x = layers.image(224, -123.7, 151.1);  // pixels less ImageNet's mean
  x = padded_conv(layers, x, "resnet/conv1", {.channels = 64, .height = 7, .width = 7, .stride = 2});
  x = layers.max_pool(x, "resnet/pool1", {.stride = 2});
  for (int32_t stage = 0; stage < 4; ++stage)
    for (int32_t index = 0; index < entry.blocks[stage]; ++index) {
      const std::string name = "resnet/stage" + std::to_string(stage + 1) + "/block" + std::to_string(index + 1);
      x = block(layers, x, name, 64 << stage, stage > 0 && index == 0 ? 2 : 1, entry.has_bottlenecks);
    }
  x = layers.mean(x, "resnet/pool5", false);
  x = layers.fully_connected(x, "resnet/fc", kClasses, kLogitDeviation);
  return layers.finish(layers.softmax(x, "resnet/softmax"));
}

}  // namespace octet::zoo
