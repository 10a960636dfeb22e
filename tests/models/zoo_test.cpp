// The zoo: topology against published figures, the contract of quantized files, the same bytes everywhere, and
// activations that make use of their eight bits.
#include "models/zoo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "models/tflite_reader.h"
#include "models/tflite_writer.h"
#include "tests/models/compare.h"
#include "tests/reference/reference.h"

namespace octet {
namespace {

constexpr DataType kTypes[] = {DataType::Int8, DataType::UInt8};

const Tensor& at(const Model& model, int32_t index) { return model.tensors[static_cast<size_t>(index)]; }

bool has_weights(const Operator& op) {
  return op.code == OpCode::Conv2D || op.code == OpCode::DepthwiseConv2D || op.code == OpCode::FullyConnected;
}

// Shapes of the outputs of all operators of one kind, in order.
std::vector<std::string> shapes_of(const Model& model, OpCode code) {
  std::vector<std::string> shapes;
  for (const Operator& op : model.operators)
    if (op.code == code) shapes.push_back(to_string(at(model, op.outputs[0]).shape));
  return shapes;
}

TEST(Zoo, ListsEveryNetworkOnce) {
  const std::vector<std::string> names = zoo_names();
  EXPECT_EQ(names.size(), 16u + 30u + 5u + 1u);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const ZooEntry& entry : zoo_entries()) {
    EXPECT_FALSE(entry.description.empty()) << entry.name;
    EXPECT_GE(entry.resolution, 96) << entry.name;
  }
}

TEST(Zoo, MultiplyAccumulatesAsPublished) {
  const std::map<std::string, double> millions = {
      {"mobilenet_v1_1.0_224", 569},
      {"mobilenet_v1_0.75_224", 325},
      {"mobilenet_v1_0.5_160", 77},
      {"mobilenet_v1_0.25_128", 14},
      {"mobilenet_v2_1.0_224", 301},
      {"mobilenet_v2_1.4_224", 582},
      {"mobilenet_v2_1.3_224", 509},
      {"mobilenet_v2_0.75_224", 209},
      {"mobilenet_v2_0.5_224", 97},
      {"mobilenet_v2_0.35_224", 59},
      {"mobilenet_v2_0.35_96", 12},
      {"resnet18", 1814},
      {"resnet34", 3664},
      {"resnet50", 4089},
      {"resnet101", 7801},
      {"resnet152", 11514},
      {"inception_v3", 5713},
  };
  size_t found = 0;
  for (const ZooEntry& entry : zoo_entries()) {
    const auto known = millions.find(entry.name);
    if (known == millions.end()) continue;
    EXPECT_NEAR(static_cast<double>(entry.macs) / 1e6, known->second, 0.6) << entry.name;
    ++found;
  }
  EXPECT_EQ(found, millions.size());
}

TEST(Zoo, UnknownNamesAndTypes) {
  try {
    build_zoo("resnet5", DataType::Int8);
    FAIL() << "resnet5 was built";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("resnet50"), std::string::npos) << error.what();
  }
  EXPECT_THROW(build_zoo("", DataType::Int8), ModelError);
  EXPECT_THROW(build_zoo("mobilenet_v1_1.0_223", DataType::UInt8), ModelError);
  EXPECT_THROW(build_zoo("mobilenet_v1_0.25_128", DataType::Float32), ModelError);
}

TEST(Zoo, MobilenetV1Shapes) {
  const Model model = build_zoo("mobilenet_v1_0.5_160", DataType::UInt8);
  EXPECT_EQ(shapes_of(model, OpCode::DepthwiseConv2D).size(), 13u);
  EXPECT_EQ(shapes_of(model, OpCode::DepthwiseConv2D).front(), "1x80x80x16");
  EXPECT_EQ(shapes_of(model, OpCode::DepthwiseConv2D).back(), "1x5x5x512");
  EXPECT_EQ(shapes_of(model, OpCode::AveragePool2D), std::vector<std::string>{"1x1x1x512"});
}

TEST(Zoo, MobilenetV2RoundsChannels) {
  const auto channels = [](const std::string& name) {
    const Model model = build_zoo(name, DataType::Int8);
    std::vector<int32_t> channels;  // of the stem, the linear bottlenecks where they change, the last convolution
    for (const Operator& op : model.operators) {
      if (op.code != OpCode::Conv2D) continue;
      const Tensor& output = at(model, op.outputs[0]);
      const bool is_expansion = output.name.find("/expand/") != std::string::npos;
      if (!is_expansion && (channels.empty() || channels.back() != output.shape[3]))
        channels.push_back(output.shape[3]);
    }
    return channels;
  };
  EXPECT_EQ(channels("mobilenet_v2_0.35_96"), (std::vector{16, 8, 16, 24, 32, 56, 112, 1280, 1001}));
  EXPECT_EQ(channels("mobilenet_v2_1.0_96"), (std::vector{32, 16, 24, 32, 64, 96, 160, 320, 1280, 1001}));
  EXPECT_EQ(channels("mobilenet_v2_1.4_96"), (std::vector{48, 24, 32, 48, 88, 136, 224, 448, 1792, 1001}));
}

TEST(Zoo, ResnetShapes) {
  const Model model = build_zoo("resnet50", DataType::Int8);
  EXPECT_EQ(shapes_of(model, OpCode::Pad),
            (std::vector<std::string>{"1x230x230x3", "1x58x58x128", "1x30x30x256", "1x16x16x512"}));
  EXPECT_EQ(shapes_of(model, OpCode::MaxPool2D), std::vector<std::string>{"1x56x56x64"});
  EXPECT_EQ(shapes_of(model, OpCode::Add).size(), 16u);
  EXPECT_EQ(shapes_of(model, OpCode::Add).back(), "1x7x7x2048");
  EXPECT_EQ(shapes_of(model, OpCode::Mean), std::vector<std::string>{"1x2048"});
}

TEST(Zoo, InceptionShapes) {
  const Model model = build_zoo("inception_v3", DataType::UInt8);
  EXPECT_EQ(shapes_of(model, OpCode::Concatenation),
            (std::vector<std::string>{"1x35x35x256", "1x35x35x288", "1x35x35x288", "1x17x17x768", "1x17x17x768",
                                      "1x17x17x768", "1x17x17x768", "1x17x17x768", "1x8x8x1280", "1x8x8x768",
                                      "1x8x8x768", "1x8x8x2048", "1x8x8x768", "1x8x8x768", "1x8x8x2048"}));
}

// Any network's rules.

void expect_one_quantization(const Model& model, const Operator& op) {
  for (int32_t input : op.inputs)
    EXPECT_EQ(at(model, input).quantization, at(model, op.outputs[0]).quantization) << at(model, input).name;
}

// Every q - Z of a channel, as the format's axis order has it.
std::vector<int32_t> centred(const Tensor& weights, size_t channel, size_t channels, bool channel_is_last) {
  const size_t taps = weights.data.size() / channels;
  std::vector<int32_t> values;
  for (size_t tap = 0; tap < taps; ++tap) {
    const auto byte = weights.data[channel_is_last ? tap * channels + channel : channel * taps + tap];
    const int32_t q = weights.type == DataType::Int8 ? std::to_integer<int8_t>(byte) : std::to_integer<uint8_t>(byte);
    values.push_back(q - static_cast<int32_t>(weights.quantization.zero_point[0]));
  }
  return values;
}

void expect_quantized_layer(const Model& model, const Operator& op, DataType type) {
  const Tensor& input = at(model, op.inputs[0]);
  const Tensor& weights = at(model, op.inputs[1]);
  const Tensor& bias = at(model, op.inputs[2]);
  const bool is_depthwise = op.code == OpCode::DepthwiseConv2D;
  const auto channels = static_cast<size_t>(bias.shape[0]);
  const bool per_channel = type == DataType::Int8 && op.code != OpCode::FullyConnected;
  ASSERT_EQ(weights.quantization.scale.size(), per_channel ? channels : 1) << weights.name;
  EXPECT_EQ(weights.quantization.axis, per_channel && is_depthwise ? 3 : 0) << weights.name;

  int32_t least = 0, most = 0;
  int64_t largest_sum = 0;
  for (size_t channel = 0; channel < channels; ++channel) {
    int64_t sum = std::abs(int64_t{reinterpret_cast<const int32_t*>(bias.data.data())[channel]});
    for (int32_t weight : centred(weights, channel, channels, is_depthwise)) {
      sum += 255 * std::abs(weight);
      least = std::min(least, weight);
      most = std::max(most, weight);
    }
    largest_sum = std::max(largest_sum, sum);
  }
  EXPECT_LT(largest_sum, int64_t{1} << 31) << weights.name << ": accumulators overflow";
  const auto zero = static_cast<int32_t>(weights.quantization.zero_point[0]);
  EXPECT_TRUE(type == DataType::UInt8 || zero == 0) << weights.name;
  const int32_t lowest = type == DataType::Int8 ? -127 : 1, highest = type == DataType::Int8 ? 127 : 255;
  EXPECT_TRUE(least + zero == lowest || most + zero == highest) << weights.name << " does not use its range";
  EXPECT_GE(least + zero, lowest) << weights.name;
  EXPECT_LE(most + zero, highest) << weights.name;
  for (size_t i = 0; i < weights.quantization.scale.size(); ++i)
    EXPECT_EQ(bias.quantization.scale[i], input.quantization.scale[0] * weights.quantization.scale[i]) << bias.name;
}

class ZooNetwork : public testing::TestWithParam<std::string> {};

void expect_rules_of_quantized_files(const Model& model, DataType type, int32_t classes) {
  for (const Operator& op : model.operators) {
    for (int32_t output : op.outputs) EXPECT_EQ(at(model, output).type, type);
    if (has_weights(op)) expect_quantized_layer(model, op, type);
    if (op.code == OpCode::Concatenation || op.code == OpCode::MaxPool2D || op.code == OpCode::AveragePool2D)
      expect_one_quantization(model, op);
  }
  const Tensor& output = at(model, model.outputs[0]);
  EXPECT_EQ(output.shape, (std::vector{1, classes}));
  EXPECT_EQ(output.quantization.scale[0], 1.0f / 256);
  EXPECT_EQ(output.quantization.zero_point[0], type == DataType::Int8 ? -128 : 0);
}

TEST_P(ZooNetwork, KeepsTheRulesAndReadsAsWritten) {
  const int32_t classes = GetParam().starts_with("resnet") ? 1000 : 1001;
  for (DataType type : kTypes) {
    const Model model = build_zoo(GetParam(), type);
    expect_rules_of_quantized_files(model, type, classes);
    EXPECT_EQ(difference(model, parse_tflite(write_tflite(model), model.name)), "");
  }
}

// Emulated, only what is quick.
std::vector<std::string> names_to_build() {
#ifdef OCTET_EMULATED
  return {"mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96"};
#else
  return zoo_names();
#endif
}

std::string identifier(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ZooNetwork, testing::ValuesIn(names_to_build()), identifier);

// The same bytes on every platform.

class Hash {  // FNV-1a
 public:
  void add(std::span<const std::byte> bytes) {
    for (std::byte byte : bytes) value_ = (value_ ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3;
  }
  void add(int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      const auto byte = static_cast<std::byte>(number >> shift);
      add({&byte, 1});
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

uint64_t hash_of(const Model& model) {
  Hash hash;
  for (const Tensor& tensor : model.tensors) {
    for (int32_t extent : tensor.shape) hash.add(extent);
    for (float scale : tensor.quantization.scale) hash.add(std::bit_cast<int32_t>(scale));
    for (int64_t zero_point : tensor.quantization.zero_point) hash.add(zero_point);
    hash.add(tensor.data);
  }
  return hash.value();
}

TEST(Zoo, SameBytesEverywhere) {
  EXPECT_EQ(hash_of(build_zoo("mobilenet_v1_0.25_128", DataType::Int8)), 0x6fc61600bed0a229u);
  EXPECT_EQ(hash_of(build_zoo("mobilenet_v2_0.35_96", DataType::UInt8)), 0x190e47d1d0470e0cu);
}

TEST(Zoo, SeedsDiffer) {
  const std::string name = "mobilenet_v1_0.25_128";
  EXPECT_EQ(write_tflite(build_zoo(name, DataType::Int8, 7)), write_tflite(build_zoo(name, DataType::Int8, 7)));
  EXPECT_NE(hash_of(build_zoo(name, DataType::Int8, 7)), hash_of(build_zoo(name, DataType::Int8, 8)));
}

// Spread of activations.

std::vector<std::byte> noise(size_t size, uint64_t seed) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i < size; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    bytes.push_back(static_cast<std::byte>(seed >> 56));
  }
  return bytes;
}

// Counts of values from the type's lowest up.
std::array<size_t, 256> histogram(std::span<const std::byte> values, DataType type) {
  std::array<size_t, 256> counts{};
  for (std::byte value : values) ++counts[std::to_integer<uint8_t>(value) ^ (type == DataType::Int8 ? 0x80 : 0)];
  return counts;
}

bool is_clamped_at_zero(const Operator& op) {
  if (const auto* conv = std::get_if<Conv2DOptions>(&op.options)) return conv->activation != Activation::None;
  return op.code == OpCode::DepthwiseConv2D || op.code == OpCode::AveragePool2D || op.code == OpCode::Mean;
}

void expect_spread(const Model& model, const Operator& op, std::span<const std::byte> values, DataType type) {
  constexpr double kMostAtAnEnd = 0.05;
  const std::string& name = at(model, op.outputs[0]).name;
  const std::array<size_t, 256> counts = histogram(values, type);
  EXPECT_GE(256 - std::ranges::count(counts, size_t{0}), 40) << name;
  EXPECT_LE(counts[255], kMostAtAnEnd * static_cast<double>(values.size())) << name;
  const double most_at_zero = is_clamped_at_zero(op) ? 0.75 : kMostAtAnEnd;
  EXPECT_LE(counts[0], most_at_zero * static_cast<double>(values.size())) << name;
}

double root_mean_square_difference(std::span<const std::byte> a, std::span<const std::byte> b, DataType type) {
  const int flip = type == DataType::Int8 ? 0x80 : 0;
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int difference = (std::to_integer<int>(a[i]) ^ flip) - (std::to_integer<int>(b[i]) ^ flip);
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(a.size()));
}

class ZooSpread : public testing::TestWithParam<std::string> {};

TEST_P(ZooSpread, ActivationsUseTheirEightBits) {
  for (DataType type : kTypes) {
    const Model model = build_zoo(GetParam(), type);
    const auto size = static_cast<size_t>(element_count(at(model, model.inputs[0]).shape));
    const std::vector<std::byte> inputs[] = {noise(size, 1), noise(size, 2)};
    const ReferenceResult first = run_reference(model, {&inputs[0], 1});
    const ReferenceResult second = run_reference(model, {&inputs[1], 1});
    for (const Operator& op : model.operators) {
      const auto output = static_cast<size_t>(op.outputs[0]);
      if (op.code != OpCode::Softmax) expect_spread(model, op, first.tensors[output], type);
    }
    const auto logits = static_cast<size_t>(model.operators.back().inputs[0]);
    EXPECT_GE(root_mean_square_difference(first.tensors[logits], second.tensors[logits], type), 6) << "logits";
  }
}

INSTANTIATE_TEST_SUITE_P(Small, ZooSpread, testing::Values("mobilenet_v1_0.25_128", "mobilenet_v2_0.35_96"),
                         identifier);

}  // namespace
}  // namespace octet
