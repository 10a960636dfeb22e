// Peers must compute what Octet computes, or the match must say that they do not. Nothing is timed for its own sake.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "benchmarks/layers.h"
#include "benchmarks/peers/match.h"
#include "benchmarks/peers/network.h"
#include "benchmarks/peers/onnx.h"
#include "models/builder.h"
#include "models/zoo.h"

namespace octet::peers {
namespace {

constexpr Padding2D kOneAround{1, 1, 1, 1};

Match match_of(const Model& model, std::vector<Peer> sides) {
  return Match(
      model.name, [model] { return model; }, 1, best_target(), std::move(sides));
}

TEST(Network, SamePaddingIsCountedAndPadIsMerged) {
  const Model resnet = build_zoo("resnet18", DataType::Int8);
  const std::vector<Node> nodes = nodes_of(resnet);
  EXPECT_EQ(nodes.size() + 4, resnet.operators.size());  // the first convolution's PAD, and one a striding stage
  EXPECT_EQ(nodes[0].inputs[0], resnet.inputs[0]);
  EXPECT_EQ(nodes[0].window.padding, (Padding2D{3, 3, 3, 3}));
  EXPECT_EQ(nodes[0].window.stride_h, 2);
  EXPECT_EQ(nodes[1].op->code, OpCode::MaxPool2D);
  EXPECT_EQ(nodes[1].window.padding, (Padding2D{0, 0, 1, 1}));  // 112 to 56 by 3x3, stride 2
  EXPECT_EQ(nodes[2].window.padding, kOneAround);
  EXPECT_EQ(nodes[0].range.low, 0);
}

TEST(Network, ARejectedPadIsNamed) {
  ModelBuilder b("padded");
  const int32_t x = b.input({"x", {1, 4, 4, 8}, DataType::Int8, quantized(1, 0)});
  const int32_t amounts = b.constant<int32_t>("amounts", {4, 2}, {0, 0, 1, 1, 1, 1, 0, 0});
  b.output(b.op(OpCode::Pad, {x, amounts}, {"y", {1, 6, 6, 8}, DataType::Int8, quantized(1, 0)}));
  EXPECT_THROW(nodes_of(b.build()), Unsupported);
}

TEST(Network, EndsAtTheLogits) {
  const Model model = without_ends(build_zoo("mobilenet_v1_0.25_128", DataType::UInt8));
  EXPECT_EQ(model.operators.back().code, OpCode::Conv2D);
  EXPECT_EQ(model.outputs, model.operators.back().outputs);
}

/// A protocol buffer's fields in order: number, and bytes or a number.
std::vector<std::pair<int, std::string>> fields_of(std::string_view message) {
  std::vector<std::pair<int, std::string>> fields;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0; !message.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(message[0]);
      message.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (!message.empty()) {
    const uint64_t key = varint(), value = varint();
    if ((key & 7) == 0) {
      fields.emplace_back(key >> 3, std::to_string(value));
      continue;
    }
    EXPECT_EQ(key & 7, 2u);
    fields.emplace_back(key >> 3, message.substr(0, value));
    message.remove_prefix(std::min<size_t>(value, message.size()));
  }
  return fields;
}

std::string field(const std::string& message, int number) {
  for (const auto& [at, value] : fields_of(message))
    if (at == number) return value;
  return {};
}

TEST(Onnx, HasANodeForEachOperator) {
  const Model model = without_ends(build_zoo("resnet18", DataType::Int8));
  const std::string onnx = to_onnx(model), graph = field(onnx, 7);
  EXPECT_EQ(field(onnx, 1), "8");
  std::map<std::string, int> nodes;
  int64_t weights = 0;
  for (const auto& [number, value] : fields_of(graph)) {
    if (number == 1) ++nodes[field(value, 4)];
    if (number == 5 && field(value, 2) == "3") weights += static_cast<int64_t>(field(value, 9).size());
  }
  EXPECT_EQ(nodes["QLinearConv"], 20);
  EXPECT_EQ(nodes["QLinearAdd"], 8);
  EXPECT_EQ(nodes["QGemm"], 1);
  EXPECT_EQ(nodes["MaxPool"], 1);
  EXPECT_EQ(nodes["QLinearGlobalAveragePool"], 1);
  int64_t wanted = 0;
  for (const Tensor& tensor : model.tensors) {
    if (tensor.type == DataType::Int8) wanted += static_cast<int64_t>(tensor.data.size());
  }
  EXPECT_GE(weights, wanted);  // zero points are int8 too
  EXPECT_LT(weights, wanted + 10000);
}

TEST(Onnx, RefusesWhatItDoesNotTranslate) {
  EXPECT_THROW(to_onnx(build_zoo("inception_v3", DataType::UInt8)), Unsupported);
}

class Peers : public testing::TestWithParam<std::pair<const char*, DataType>> {};

TEST_P(Peers, ComputeWhatOctetComputes) {
  const auto& [name, type] = GetParam();
  const Model network = build_zoo(name, type);
  Match whole = match_of(network, known_peers());
  for (size_t side = 0; side <= known_peers().size(); ++side) EXPECT_EQ(whole.error(side), "");
  for (const Layer& layer : cut_layers(network)) {
    if (layer.name.starts_with("SOFTMAX")) continue;
    Match match = match_of(layer.model, known_peers());
    for (size_t side = 0; side <= known_peers().size(); ++side) EXPECT_EQ(match.error(side), "") << layer.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Peers,
                         testing::Values(std::pair("mobilenet_v1_0.25_128", DataType::UInt8),
                                         std::pair("mobilenet_v2_0.35_96", DataType::Int8),
                                         std::pair("resnet18", DataType::Int8)));

/// Octet under another name, one of whose weights is not what it should be.
std::unique_ptr<Engine> make_wrong(const Model& model, int threads) {
  Model wrong = model;
  for (Tensor& tensor : wrong.tensors) {
    if (!tensor.data.empty() && tensor.type == DataType::Int8) {
      tensor.quantization.scale.assign(tensor.quantization.scale.size(), tensor.quantization.scale[0] * 1.5f);
      break;
    }
  }
  return make_octet(wrong, threads, best_target());
}

std::unique_ptr<Engine> make_unsupported(const Model&, int) { throw Unsupported("no such operator"); }

TEST(Match, RefusesWhoComputesSomethingElse) {
  const Model model = build_zoo("mobilenet_v2_0.35_96", DataType::Int8);
  Match match = match_of(model, {{"wrong", make_wrong}, {"unsupported", make_unsupported}});
  EXPECT_EQ(match.error(0), "");
  EXPECT_NE(match.error(1).find("steps from Octet's"), std::string::npos) << match.error(1);
  EXPECT_EQ(match.error(2), "no such operator");
  EXPECT_THROW(match.seconds(2, 0), Unsupported);
  EXPECT_GT(match.seconds(0, 2), 0);
}

TEST(Match, EnginesOfOneMatchLiveAtATime) {
  const Model model = build_zoo("mobilenet_v2_0.35_96", DataType::Int8);
  Match first = match_of(model, {}), second = match_of(model, {});
  const double sample = first.seconds(0, 0);
  EXPECT_GT(second.seconds(0, 0), 0);
  EXPECT_EQ(first.seconds(0, 0), sample);  // kept
  EXPECT_GT(first.seconds(0, 1), 0);       // taken by a new engine
}

}  // namespace
}  // namespace octet::peers
