// Networks made in code.
#include "models/builder.h"

#include <gtest/gtest.h>

#include <vector>

namespace octet {
namespace {

TensorSpec spec(DataType type, std::vector<int32_t> shape = {1, 4, 4, 2}) {
  return {"t", std::move(shape), type, quantized(0.5f, 3)};
}

int32_t version_of_last(const ModelBuilder& builder) { return builder.build().operators.back().version; }

TEST(Builder, MakesWhatItIsTold) {
  ModelBuilder b("tiny", "described");
  const int32_t x = b.input({"x", {1, 2, 2, 1}, DataType::UInt8, quantized(0.5f, 7)});
  const int32_t w = b.constant<uint8_t>("w", {3, 1, 1, 1}, {10, 20, 30}, quantized(0.25f, 5));
  const int32_t y = b.op(OpCode::Conv2D, {x, w, -1}, Conv2DOptions{.stride_w = 2, .stride_h = 2},
                         {"y", {1, 1, 1, 3}, DataType::UInt8, quantized(1.0f, 0)});
  b.output(y);
  const Model model = b.build();

  EXPECT_EQ(model.name, "tiny");
  EXPECT_EQ(model.description, "described");
  EXPECT_EQ(model.inputs, std::vector{x});
  EXPECT_EQ(model.outputs, std::vector{y});
  ASSERT_EQ(model.operators.size(), 1u);
  EXPECT_EQ(model.operators[0].inputs, (std::vector{x, w, -1}));
  EXPECT_EQ(std::get<Conv2DOptions>(model.operators[0].options).stride_w, 2);
  const Tensor& weights = model.tensors[static_cast<size_t>(w)];
  EXPECT_EQ(weights.type, DataType::UInt8);
  ASSERT_EQ(weights.data.size(), 3u);
  EXPECT_EQ(std::to_integer<int>(weights.data[2]), 30);
  EXPECT_EQ(weights.quantization, quantized(0.25f, 5));
}

TEST(Builder, ConstantsOutliveTheBuilder) {
  Model model;
  {
    ModelBuilder b("constants");
    for (int32_t i = 0; i < 100; ++i) b.constant<int32_t>("c", {2}, {i, -i});
    model = b.build();
  }
  for (int32_t i = 0; i < 100; ++i) {
    const auto* values = reinterpret_cast<const int32_t*>(model.tensors[static_cast<size_t>(i)].data.data());
    EXPECT_EQ(values[0], i);
    EXPECT_EQ(values[1], -i);
  }
}

TEST(Builder, ScalesAlongAnAxis) {
  const Quantization quantization = quantized({1.0f, 2.0f, 3.0f}, 3);
  EXPECT_EQ(quantization.zero_point, (std::vector<int64_t>{0, 0, 0}));
  EXPECT_EQ(quantization.axis, 3);
}

TEST(Builder, SeveralOutputs) {
  ModelBuilder b("split");
  const int32_t axis = b.constant<int32_t>("axis", {}, {3});
  const int32_t x = b.input(spec(DataType::Int8));
  const auto halves = b.op(OpCode::Split, {axis, x}, SplitOptions{2},
                           {spec(DataType::Int8, {1, 4, 4, 1}), spec(DataType::Int8, {1, 4, 4, 1})});
  EXPECT_EQ(halves.size(), 2u);
  EXPECT_EQ(version_of_last(b), 2);
}

TEST(Builder, CustomOperators) {
  ModelBuilder b("custom");
  const int32_t x = b.input(spec(DataType::Int8));
  const std::byte options[] = {std::byte{1}, std::byte{2}};
  b.custom_op("Mine", {x}, options, {spec(DataType::Int8)});
  const Operator op = b.build().operators[0];
  EXPECT_EQ(op.name(), "Mine");
  EXPECT_EQ(op.custom_options.size(), 2u);
}

TEST(Builder, RefusesWhatItWouldGetWrong) {
  ModelBuilder b("wrong");
  const int32_t x = b.input(spec(DataType::Int8));
  EXPECT_THROW(b.constant<int8_t>("c", {3}, {1, 2}), ModelError);
  EXPECT_THROW(b.op(OpCode::Relu, {x + 1}, spec(DataType::Int8)), ModelError);
  EXPECT_THROW(b.op(OpCode::Relu, {-2}, spec(DataType::Int8)), ModelError);
  EXPECT_THROW(b.output(-1), ModelError);
  EXPECT_EQ(b.build().tensors.size(), 1u);
}

TEST(OperatorVersion, FollowsTypes) {
  const auto version = [](OpCode code, DataType type, Options options = NoOptions{}) {
    ModelBuilder b("version");
    const int32_t x = b.input(spec(type));
    b.op(code, {x}, std::move(options), spec(type));
    return version_of_last(b);
  };
  for (OpCode code : {OpCode::Add, OpCode::AveragePool2D, OpCode::MaxPool2D, OpCode::Mean, OpCode::Softmax, OpCode::Pad,
                      OpCode::Concatenation, OpCode::Logistic, OpCode::Dequantize}) {
    EXPECT_EQ(version(code, DataType::UInt8), 1) << name_of(code);
    EXPECT_EQ(version(code, DataType::Int8), 2) << name_of(code);
  }
  for (OpCode code : {OpCode::Reshape, OpCode::Quantize, OpCode::HardSwish, OpCode::Prelu, OpCode::Squeeze})
    EXPECT_EQ(version(code, DataType::Int8), 1) << name_of(code);
  EXPECT_EQ(version(OpCode::ResizeBilinear, DataType::Int8, ResizeOptions{}), 2);
  EXPECT_EQ(version(OpCode::ResizeBilinear, DataType::UInt8, ResizeOptions{.half_pixel_centers = true}), 3);
  EXPECT_EQ(version(OpCode::ResizeNearestNeighbor, DataType::UInt8, ResizeOptions{.align_corners = true}), 3);
}

TEST(OperatorVersion, OfLayersWithWeights) {
  const auto version = [](OpCode code, DataType type, Options options, bool has_bias = true, int32_t depth = 2) {
    ModelBuilder b("version");
    const int32_t x = b.input(spec(type));
    const int32_t w = b.activation(spec(type, {5, 1, 1, depth}));
    const int32_t bias = has_bias ? b.activation(spec(DataType::Int32, {5})) : -1;
    b.op(code, {x, w, bias}, std::move(options), spec(type));
    return version_of_last(b);
  };
  EXPECT_EQ(version(OpCode::Conv2D, DataType::UInt8, Conv2DOptions{}), 1);
  EXPECT_EQ(version(OpCode::Conv2D, DataType::Int8, Conv2DOptions{}), 3);
  EXPECT_EQ(version(OpCode::Conv2D, DataType::Int8, Conv2DOptions{}, true, 1), 6) << "grouped";
  EXPECT_EQ(version(OpCode::DepthwiseConv2D, DataType::UInt8, DepthwiseConv2DOptions{}), 1);
  EXPECT_EQ(version(OpCode::DepthwiseConv2D, DataType::UInt8, DepthwiseConv2DOptions{.dilation_w = 2}), 2);
  EXPECT_EQ(version(OpCode::DepthwiseConv2D, DataType::Int8, DepthwiseConv2DOptions{}), 3);
  EXPECT_EQ(version(OpCode::FullyConnected, DataType::UInt8, FullyConnectedOptions{}), 1);
  EXPECT_EQ(version(OpCode::FullyConnected, DataType::Int8, FullyConnectedOptions{}), 4);
  EXPECT_EQ(version(OpCode::FullyConnected, DataType::Int8, FullyConnectedOptions{}, false), 6);
}

TEST(WindowOutput, AsTheContractSays) {
  EXPECT_EQ(window_output(224, 3, 2, Padding::Same), 112);
  EXPECT_EQ(window_output(15, 3, 2, Padding::Same), 8);
  EXPECT_EQ(window_output(299, 3, 2, Padding::Valid), 149);
  EXPECT_EQ(window_output(7, 7, 1, Padding::Valid), 1);
  EXPECT_EQ(window_output(6, 7, 1, Padding::Valid), 0);
  EXPECT_EQ(window_output(9, 3, 1, Padding::Valid, 4), 1);
  EXPECT_EQ(window_output(65535, 65535, 1, Padding::Valid, 65535), 0);
}

}  // namespace
}  // namespace octet
