#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "models/zoo/networks.h"

namespace octet::zoo {
namespace {

constexpr Pool kReduction{.stride = 2, .padding = Padding::Valid};

Conv same(int32_t channels, int32_t height, int32_t width) {
  return {.channels = channels, .height = height, .width = width};
}
Conv valid(int32_t channels, int32_t size, int32_t stride = 1) {
  return {.channels = channels, .height = size, .width = size, .stride = stride, .padding = Padding::Valid};
}

// One module: branches that read the same input, concatenated.
class Module {
 public:
  Module(Layers& layers, const Signal& input, std::string name)
      : layers_(layers), input_(input), name_("InceptionV3/" + std::move(name)) {}

  Module& branch(std::initializer_list<Conv> convs) {
    branches_.push_back(chain(input_, convs));
    return *this;
  }
  Module& pooled_branch(int32_t channels) {
    const Signal pooled = layers_.average_pool(input_, next_name("AvgPool"), {});
    branches_.push_back(chain(pooled, {same(channels, 1, 1)}));
    return *this;
  }
  Module& reduced_branch() {
    branches_.push_back(layers_.max_pool(input_, next_name("MaxPool"), kReduction));
    return *this;
  }
  // Convolutions, then a 1x3 and a 3x1 beside each other.
  Module& forked_branch(std::initializer_list<Conv> convs, int32_t channels) {
    const Signal x = chain(input_, convs);
    const Signal sides[] = {chain(x, {same(channels, 1, 3)}), chain(x, {same(channels, 3, 1)})};
    branches_.push_back(layers_.concatenate(sides, next_name("concat")));
    return *this;
  }
  Signal concatenated() { return layers_.concatenate(branches_, name_ + "/concat"); }

 private:
  Signal chain(Signal x, std::initializer_list<Conv> convs) {
    for (const Conv& conv : convs)
      x = layers_.conv(x, next_name("Conv2d_" + std::to_string(conv.height) + "x" + std::to_string(conv.width)), conv);
    return x;
  }
  std::string next_name(const std::string& what) {
    return name_ + "/Branch_" + std::to_string(branches_.size()) + "/" + what + "_" + std::to_string(index_++);
  }

  Layers& layers_;
  const Signal& input_;
  std::string name_;
  std::vector<Signal> branches_;
  int index_ = 0;
};

Signal stem(Layers& layers, Signal x) {
  x = layers.conv(x, "InceptionV3/Conv2d_1a_3x3", valid(32, 3, 2));
  x = layers.conv(x, "InceptionV3/Conv2d_2a_3x3", valid(32, 3));
  x = layers.conv(x, "InceptionV3/Conv2d_2b_3x3", same(64, 3, 3));
  x = layers.max_pool(x, "InceptionV3/MaxPool_3a_3x3", kReduction);
  x = layers.conv(x, "InceptionV3/Conv2d_3b_1x1", valid(80, 1));
  x = layers.conv(x, "InceptionV3/Conv2d_4a_3x3", valid(192, 3));
  return layers.max_pool(x, "InceptionV3/MaxPool_5a_3x3", kReduction);
}

// 35x35
Signal mixed_5(Layers& layers, const Signal& x, const std::string& name, int32_t pooled_channels) {
  return Module(layers, x, name)
      .branch({same(64, 1, 1)})
      .branch({same(48, 1, 1), same(64, 5, 5)})
      .branch({same(64, 1, 1), same(96, 3, 3), same(96, 3, 3)})
      .pooled_branch(pooled_channels)
      .concatenated();
}

Signal mixed_6a(Layers& layers, const Signal& x) {
  return Module(layers, x, "Mixed_6a")
      .branch({valid(384, 3, 2)})
      .branch({same(64, 1, 1), same(96, 3, 3), valid(96, 3, 2)})
      .reduced_branch()
      .concatenated();
}

// 17x17
Signal mixed_6(Layers& layers, const Signal& x, const std::string& name, int32_t inner) {
  return Module(layers, x, name)
      .branch({same(192, 1, 1)})
      .branch({same(inner, 1, 1), same(inner, 1, 7), same(192, 7, 1)})
      .branch({same(inner, 1, 1), same(inner, 7, 1), same(inner, 1, 7), same(inner, 7, 1), same(192, 1, 7)})
      .pooled_branch(192)
      .concatenated();
}

Signal mixed_7a(Layers& layers, const Signal& x) {
  return Module(layers, x, "Mixed_7a")
      .branch({same(192, 1, 1), valid(320, 3, 2)})
      .branch({same(192, 1, 1), same(192, 1, 7), same(192, 7, 1), valid(192, 3, 2)})
      .reduced_branch()
      .concatenated();
}

// 8x8
Signal mixed_7(Layers& layers, const Signal& x, const std::string& name) {
  return Module(layers, x, name)
      .branch({same(320, 1, 1)})
      .forked_branch({same(384, 1, 1)}, 384)
      .forked_branch({same(448, 1, 1), same(384, 3, 3)}, 384)
      .pooled_branch(192)
      .concatenated();
}

}  // namespace

Model inception_v3(const Order& order) {
  Layers layers(order);
  Signal x = stem(layers, layers.image(299, -1, 127.0 / 128));
  x = mixed_5(layers, x, "Mixed_5b", 32);
  x = mixed_5(layers, x, "Mixed_5c", 64);
  x = mixed_5(layers, x, "Mixed_5d", 64);
  x = mixed_6a(layers, x);
  x = mixed_6(layers, x, "Mixed_6b", 128);
  x = mixed_6(layers, x, "Mixed_6c", 160);
  x = mixed_6(layers, x, "Mixed_6d", 160);
  x = mixed_6(layers, x, "Mixed_6e", 192);
  x = mixed_7a(layers, x);
  x = mixed_7(layers, x, "Mixed_7b");
  x = mixed_7(layers, x, "Mixed_7c");
  x = layers.average_pool(x, "InceptionV3/Logits/AvgPool_1a",
                          {.height = x.height, .width = x.width, .padding = Padding::Valid});
  x = layers.conv(x, "InceptionV3/Logits/Conv2d_1c_1x1",
                  {.channels = kClassesAndBackground, .activation = Activation::None, .deviation = kLogitDeviation});
  x = layers.flatten(x, "InceptionV3/Logits/SpatialSqueeze");
  return layers.finish(layers.softmax(x, "InceptionV3/Predictions/Softmax"));
}

}  // namespace octet::zoo
