// Lowering: shapes, parameters, and what is refused in which words. Whether results are right is for the conformance
// tests.
#include "runtime/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/builder.h"
#include "runtime/fixed_point.h"

namespace octet {
namespace {

constexpr DataType kU8 = DataType::UInt8;
constexpr DataType kS8 = DataType::Int8;

/// The message with which a model is refused; empty if it is not.
std::string refusal(const Model& model) {
  try {
    lower(model);
    return "";
  } catch (const ModelError& error) {
    return error.what();
  }
}

void expect_refusal(const Model& model, const std::string& part) {
  const std::string message = refusal(model);
  EXPECT_NE(message.find(part), std::string::npos) << "message: " << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.rfind("net: ", 0), 0U) << message;
}

template <typename T>
const T& only(const Graph& graph) {
  EXPECT_EQ(graph.nodes.size(), 1U);
  return std::get<T>(graph.nodes.at(0).op);
}

/// A model of one operator on one input.
Model unary(OpCode code, TensorSpec in, Options options, TensorSpec out) {
  ModelBuilder b("net");
  const int32_t x = b.input(std::move(in));
  b.output(b.op(code, {x}, std::move(options), std::move(out)));
  return b.build();
}

/// A model of one operator on one input and int32 constants.
Model with_constants(OpCode code, TensorSpec in, const std::vector<std::vector<int32_t>>& constants, Options options,
                     TensorSpec out) {
  ModelBuilder b("net");
  std::vector<int32_t> inputs{b.input(std::move(in))};
  for (const std::vector<int32_t>& values : constants) {
    inputs.push_back(b.constant<int32_t>("constant", {static_cast<int32_t>(values.size())}, values));
  }
  b.output(b.op(code, inputs, std::move(options), std::move(out)));
  return b.build();
}

// ---- Fixed point.

TEST(FixedPoint, QuantizesMultipliers) {
  EXPECT_EQ(quantize_multiplier(0), (FixedPoint{0, 0}));
  EXPECT_EQ(quantize_multiplier(1), (FixedPoint{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.5), (FixedPoint{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(1 - 1e-12), (FixedPoint{1 << 30, 1}));  // the mantissa rounds up to 1
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, -33)), (FixedPoint{0, 0}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, -32)), (FixedPoint{1 << 30, -31}));
}

TEST(FixedPoint, RoundsTwice) {
  const double d =
      static_cast<double>(0.05296124517917633F * 0.024093778803944588F) / static_cast<double>(0.11484327912330627F);
  const FixedPoint m = quantize_multiplier(d);
  EXPECT_EQ(m.shift, -6);
  EXPECT_NEAR(m.multiplier, 1527099593, 200);
  EXPECT_EQ(multiply_by_quantized_multiplier(585, {1527099593, -6}), 7);
  EXPECT_EQ(rounding_divide_by_pot(-12, 3), -2);
  EXPECT_EQ(rounding_divide_by_pot(12, 3), 2);
  EXPECT_EQ(rounding_divide_by_pot(INT32_MIN, 31), -1);
  EXPECT_EQ(srdhm(INT32_MIN, INT32_MIN), INT32_MAX);
  EXPECT_EQ(srdhm(-1, 1 << 30), 0);  // ties go up
  EXPECT_EQ(srdhm(1, 1 << 30), 1);
}

// ---- Convolutions.

struct ConvSpec {
  DataType type = kU8;
  std::vector<int32_t> in{1, 5, 7, 4}, filter{6, 3, 3, 4}, out{1, 5, 7, 6};
  Quantization in_q = quantized(0.5F, 3), filter_q = quantized(0.25F, 100), out_q = quantized(1.0F, 10);
  std::vector<int32_t> bias = std::vector<int32_t>(6, 1);
  Quantization bias_q = quantized(0.125F, 0);
  Options options = Conv2DOptions{};
  OpCode code = OpCode::Conv2D;
  bool constant_filter = true;
};

Model conv(const ConvSpec& s) {
  ModelBuilder b("net");
  const int32_t x = b.input({"x", s.in, s.type, s.in_q});
  const std::vector<std::byte> zeros(static_cast<size_t>(element_count(s.filter)));
  const TensorSpec filter{"filter", s.filter, s.type, s.filter_q};
  const int32_t w = s.constant_filter ? b.constant(filter, zeros) : b.input(filter);
  const int32_t bias =
      s.bias.empty() ? -1 : b.constant<int32_t>("bias", {static_cast<int32_t>(s.bias.size())}, s.bias, s.bias_q);
  b.output(b.op(s.code, {x, w, bias}, s.options, {"y", s.out, s.type, s.out_q}));
  return b.build();
}

TEST(LowerConvolution, WorksOutGeometry) {
  ConvSpec s;
  s.in = {2, 6, 8, 4};
  s.out = {2, 3, 4, 6};
  s.options =
      Conv2DOptions{.stride_w = 2, .stride_h = 2, .dilation_w = 1, .dilation_h = 1, .activation = Activation::Relu};
  const Graph graph = lower(conv(s));
  const auto& op = only<Convolution>(graph);
  EXPECT_EQ(op.batch, 2);
  EXPECT_EQ(op.out_h, 3);
  EXPECT_EQ(op.out_w, 4);
  EXPECT_EQ(op.groups, 1);
  EXPECT_EQ(op.pads.top, 0);  // one row of padding: behind
  EXPECT_EQ(op.pads.bottom, 1);
  EXPECT_EQ(op.clamp.lo, 10);
  EXPECT_EQ(op.clamp.hi, 255);
  ASSERT_EQ(op.rescale.size(), 1U);
  EXPECT_EQ(op.rescale[0], (FixedPoint{1 << 30, -2}));
  EXPECT_EQ(macs_of(graph.nodes[0].op), 2LL * 3 * 4 * 6 * 3 * 3 * 4);
  EXPECT_EQ(graph.nodes[0].inputs.size(), 3U);
  EXPECT_EQ(graph.nodes[0].source, 0);
}

TEST(LowerConvolution, KnowsGroupsChannelsAndMissingBiases) {
  ConvSpec s;
  s.type = kS8;
  s.filter = {6, 3, 3, 2};
  s.filter_q = quantized({0.5F, 0.25F, 0.5F, 1, 2, 0}, 0);
  s.bias = {};
  const Graph graph = lower(conv(s));
  const auto& op = only<Convolution>(graph);
  EXPECT_EQ(op.groups, 2);
  ASSERT_EQ(op.rescale.size(), 6U);
  EXPECT_EQ(op.rescale[1], (FixedPoint{1 << 30, -2}));
  EXPECT_EQ(op.rescale[5], (FixedPoint{0, 0}));
  EXPECT_EQ(graph.nodes[0].inputs[2], -1);
}

TEST(LowerConvolution, RefusesWhatDoesNotFit) {
  EXPECT_EQ(refusal(conv({})), "");
  const auto refuse = [](const std::string& part, auto change) {
    ConvSpec s;
    change(s);
    expect_refusal(conv(s), part);
  };
  refuse("operator 0 (CONV_2D): output y has shape 1x5x6x6; it must be 1x5x7x6", [](auto& s) { s.out[2] = 6; });
  refuse("must have 4 dimensions", [](auto& s) { s.in = {5, 7, 4}; });
  refuse("does not divide 5 input channels into groups", [](auto& s) { s.in[3] = 5; });
  refuse("one element for each of 6 output channels", [](auto& s) { s.bias = {1, 2}; });
  refuse("it must be that of input and filter multiplied", [](auto& s) { s.bias_q = quantized(3, 0); });
  refuse("is not quantized", [](auto& s) { s.in_q = {}; });
  refuse("which no UINT8 is", [](auto& s) { s.out_q = quantized(1, 256); });
  refuse("must be positive and finite", [](auto& s) { s.out_q = quantized(0, 0); });
  refuse("here it must be one of each", [](auto& s) { s.in_q = quantized({1, 2, 3, 4}, 3); });
  refuse("it must be a constant", [](auto& s) { s.constant_filter = false; });
  refuse("only INT8 may have", [](auto& s) { s.filter_q = quantized(std::vector<float>(6, 1), 0); });
  refuse("must make it less than 2^30", [](auto& s) { s.out_q = quantized(1e-12F, 0), s.bias = {}; });
  refuse("RELU, RELU6 and RELU_N1_TO_1 are supported",
         [](auto& s) { s.options = Conv2DOptions{.activation = Activation::Tanh}; });
  refuse("strides and dilations must be at least 1", [](auto& s) { s.options = Conv2DOptions{.stride_w = 0}; });
  refuse("its options are those of another operator", [](auto& s) { s.options = PoolOptions{}; });
  refuse("can pass 32 bits", [](auto& s) { s.bias[3] = INT32_MAX; });
  refuse("INT8 with zero point 100; it must be 0",
         [](auto& s) { s.type = kS8, s.in_q = quantized(1, 0), s.out_q = quantized(1, 0); });
  refuse("2 scales along axis 0; it must have 1, or 6 along axis 0", [](auto& s) {
    s.type = kS8, s.filter_q = quantized({1, 1}, 0);
  });
}

TEST(LowerDepthwise, KnowsTheMultiplier) {
  ConvSpec s;
  s.code = OpCode::DepthwiseConv2D;
  s.filter = {1, 3, 3, 8};
  s.bias = std::vector<int32_t>(8, 0);
  s.out = {1, 3, 5, 8};
  s.options = DepthwiseConv2DOptions{.padding = Padding::Valid};
  const Graph graph = lower(conv(s));
  EXPECT_EQ(only<Depthwise>(graph).depth_multiplier, 2);
  EXPECT_EQ(macs_of(graph.nodes[0].op), 3 * 5 * 8 * 9);
  s.filter[3] = 6;
  expect_refusal(conv(s), "operator 0 (DEPTHWISE_CONV_2D): a depthwise filter of shape 1x3x3x6 does not fit 4");
}

TEST(LowerFullyConnected, IsAConvolutionOfPoints) {
  ConvSpec s;
  s.code = OpCode::FullyConnected;
  s.in = {2, 3, 4};
  s.filter = {6, 12};
  s.out = {2, 6};
  s.options = FullyConnectedOptions{};
  const Graph graph = lower(conv(s));
  const auto& op = only<Convolution>(graph);
  EXPECT_EQ(op.batch, 2);
  EXPECT_EQ(op.in_c, 12);
  EXPECT_EQ(op.out_c, 6);
  EXPECT_EQ(op.in_h * op.in_w * op.out_h * op.out_w * op.k_h * op.k_w, 1);

  s.options = FullyConnectedOptions{.keep_num_dims = true};
  expect_refusal(conv(s), "must end in 12");
  s.filter = {6, 4};
  s.out = {2, 3, 6};
  EXPECT_EQ(only<Convolution>(lower(conv(s))).batch, 6);
  s.options = FullyConnectedOptions{.shuffled_weights = true};
  expect_refusal(conv(s), "shuffled");
}

TEST(LowerTransposeConv, PadsAsTheConvolutionBackwards) {
  const auto model = [](std::vector<int32_t> out, bool constant) {
    ModelBuilder b("net");
    const std::vector<int32_t> shape{1, 6, 8, 5};
    const int32_t size =
        constant ? b.constant<int32_t>("size", {4}, shape) : b.input({"size", {4}, DataType::Int32, {}});
    const int32_t w = b.constant({"w", {5, 3, 3, 2}, kU8, quantized(1, 7)}, std::vector<std::byte>(90));
    const int32_t x = b.input({"x", {1, 3, 4, 2}, kU8, quantized(1, 0)});
    b.output(b.op(OpCode::TransposeConv, {size, w, x}, Conv2DOptions{.stride_w = 2, .stride_h = 2},
                  {"y", std::move(out), kU8, quantized(4, 0)}));
    return b.build();
  };
  const Graph graph = lower(model({1, 6, 8, 5}, true));
  const auto& op = only<Convolution>(graph);
  EXPECT_TRUE(op.transposed);
  EXPECT_EQ(op.pads.top, 0);
  EXPECT_EQ(op.pads.bottom, 1);
  EXPECT_EQ(op.rescale[0], (FixedPoint{1 << 30, -1}));
  EXPECT_EQ(graph.nodes[0].inputs, (std::vector<int32_t>{2, 1, -1}));
  expect_refusal(model({1, 6, 7, 5}, true), "it must be 1x6x8x5");
  expect_refusal(model({1, 6, 8, 5}, false),
                 "its output shape (size) is computed as the network runs; it must be a constant");
}

// ---- Elementwise operators.

Model binary(OpCode code, std::vector<int32_t> a, std::vector<int32_t> b_shape, std::vector<int32_t> out) {
  ModelBuilder b("net");
  const int32_t x = b.input({"a", std::move(a), kS8, quantized(0.5F, 1)});
  const int32_t y = b.input({"b", std::move(b_shape), kS8, quantized(0.25F, 2)});
  const Options options = code == OpCode::Prelu ? Options(NoOptions{}) : Options(ElementwiseOptions{});
  b.output(b.op(code, {x, y}, options, {"y", std::move(out), kS8, quantized(1, 3)}));
  return b.build();
}

TEST(LowerBinary, BroadcastsAndRescales) {
  const Graph sum = lower(binary(OpCode::Add, {2, 1, 3}, {4, 1}, {2, 4, 3}));
  EXPECT_EQ(only<Binary>(sum).kind, Binary::Kind::Add);
  EXPECT_EQ(only<Binary>(sum).a, (FixedPoint{1 << 30, 0}));
  EXPECT_EQ(only<Binary>(sum).b, (FixedPoint{1 << 30, -1}));
  EXPECT_EQ(only<Binary>(sum).out, (FixedPoint{1 << 30, -19}));
  EXPECT_EQ(only<Binary>(sum).clamp.lo, -128);
  const Graph product = lower(binary(OpCode::Mul, {3}, {3}, {3}));
  EXPECT_EQ(only<Binary>(product).out, (FixedPoint{1 << 30, -2}));
  expect_refusal(binary(OpCode::Sub, {2, 3}, {2}, {2, 3}), "shapes 2x3 and 2 do not broadcast");
  expect_refusal(binary(OpCode::Sub, {2, 3}, {3}, {3}), "output y has shape 3; it must be 2x3");
  EXPECT_EQ(only<Prelu>(lower(binary(OpCode::Prelu, {2, 3}, {3}, {2, 3}))).negative, (FixedPoint{1 << 30, -2}));
  expect_refusal(binary(OpCode::Prelu, {3}, {2, 3}, {2, 3}), "must broadcast to the input's");
}

TEST(LowerTable, TabulatesByBytes) {
  const Quantization q = quantized(0.5F, -10);
  const Graph relu = lower(unary(OpCode::Relu6, {"x", {4}, kS8, q}, {}, {"y", {4}, kS8, q}));
  const auto& table = only<Lookup>(relu).table;
  EXPECT_EQ(static_cast<int8_t>(table[static_cast<uint8_t>(-128)]), -10);
  EXPECT_EQ(static_cast<int8_t>(table[static_cast<uint8_t>(-5)]), -5);
  EXPECT_EQ(static_cast<int8_t>(table[127]), 2);

  const Graph quantize =
      lower(unary(OpCode::Quantize, {"x", {4}, kU8, quantized(1, 128)}, {}, {"y", {4}, kS8, quantized(1, 0)}));
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(only<Lookup>(quantize).table[i], i ^ 0x80);

  const Graph leaky = lower(unary(OpCode::LeakyRelu, {"x", {4}, kU8, quantized(1, 100)}, LeakyReluOptions{-0.5F},
                                  {"y", {4}, kU8, quantized(1, 50)}));
  EXPECT_EQ(only<Lookup>(leaky).table[80], 60);
  EXPECT_EQ(only<Lookup>(leaky).table[110], 60);

  const Quantization unit = quantized(1.0F / 256, 0);
  const Graph logistic =
      lower(unary(OpCode::Logistic, {"x", {4}, kU8, quantized(0.1F, 128)}, {}, {"y", {4}, kU8, unit}));
  EXPECT_EQ(only<Lookup>(logistic).table[128], 128);
  expect_refusal(unary(OpCode::Logistic, {"x", {4}, kU8, q}, {}, {"y", {4}, kU8, unit}), "which no UINT8 is");
  expect_refusal(unary(OpCode::Tanh, {"x", {4}, kS8, q}, {}, {"y", {5}, kS8, q}), "output y has shape 5; it must be 4");
  expect_refusal(unary(OpCode::HardSwish, {"x", {4}, kS8, quantized(1, 0)}, {}, {"y", {4}, kS8, quantized(1e-3F, 0)}),
                 "must be less than 128 times");
  expect_refusal(unary(OpCode::LeakyRelu, {"x", {4}, kS8, q}, LeakyReluOptions{INFINITY}, {"y", {4}, kS8, q}),
                 "alpha must be finite");
}

// ---- Reductions.

TEST(LowerPool, DoesNotRescale) {
  const PoolOptions options{.padding = Padding::Same,
                            .stride_w = 2,
                            .stride_h = 1,
                            .filter_w = 3,
                            .filter_h = 2,
                            .activation = Activation::None};
  const auto model = [&](float out_scale) {
    return unary(OpCode::AveragePool2D, {"x", {1, 4, 5, 3}, kS8, quantized(0.5F, 7)}, options,
                 {"y", {1, 4, 3, 3}, kS8, quantized(out_scale, 7)});
  };
  const auto pool = only<Pool>(lower(model(0.5F)));
  EXPECT_EQ(pool.pads.left, 1);
  EXPECT_EQ(pool.pads.right, 1);
  EXPECT_EQ(pool.pads.top, 0);
  EXPECT_EQ(pool.pads.bottom, 1);
  expect_refusal(model(0.25F), "scale and zero point of x and y must be equal");
}

TEST(LowerMean, MergesAxes) {
  const auto model = [](std::vector<int32_t> in, std::vector<int32_t> axes, bool keep, std::vector<int32_t> out) {
    return with_constants(OpCode::Mean, {"x", std::move(in), kU8, quantized(1, 0)}, {std::move(axes)},
                          MeanOptions{keep}, {"y", std::move(out), kU8, quantized(1, 0)});
  };
  const auto mean = only<Mean>(lower(model({2, 3, 5, 7}, {-2, 1}, false, {2, 7})));
  EXPECT_EQ(mean.extents, (std::vector<int32_t>{2, 15, 7}));
  EXPECT_EQ(mean.reduce, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(mean.rescale.shift, 1 - 3);
  EXPECT_EQ(mean.rescale.multiplier, (int64_t{1} << 33) / 15);
  EXPECT_EQ(only<Mean>(lower(model({1, 1}, {0, 1}, true, {1, 1}))).extents, (std::vector<int32_t>{1}));
  EXPECT_EQ(only<Mean>(lower(model({3, 4}, {0, 1, -1}, false, {}))).extents, (std::vector<int32_t>{12}));
  expect_refusal(model({3, 4}, {2}, false, {3}), "axis 2 is not one of a tensor with 2 dimensions");
  expect_refusal(model({3, 4}, {0}, true, {4}), "it must be 1x4");
  expect_refusal(model({8421505}, {0}, false, {}), "can pass 32 bits");
}

TEST(LowerRows, WantsTheUnitScale) {
  const TensorSpec in{"x", {2, 10}, kU8, quantized(0.1F, 5)};
  const TensorSpec out{"y", {2, 10}, kU8, quantized(1.0F / 256, 0)};
  const auto softmax = only<Softmax>(lower(unary(OpCode::Softmax, in, SoftmaxOptions{}, out)));
  EXPECT_EQ(softmax.rows, 2);
  EXPECT_EQ(softmax.depth, 10);
  EXPECT_EQ(softmax.scale.shift, 23);
  EXPECT_EQ(softmax.diff_min, -248);
  expect_refusal(unary(OpCode::Softmax, in, SoftmaxOptions{0}, out), "its beta is");
  expect_refusal(unary(OpCode::Softmax, in, SoftmaxOptions{}, in), "must have scale 1/256 and zero point 0");
  expect_refusal(unary(OpCode::L2Normalization, in, L2NormalizationOptions{}, out),
                 "must have scale 1/128 and zero point 128");
  const TensorSpec unit{"y", {2, 10}, kU8, quantized(1.0F / 128, 128)};
  EXPECT_FALSE(
      only<L2Normalization>(lower(unary(OpCode::L2Normalization, in, L2NormalizationOptions{}, unit))).is_signed);
  expect_refusal(unary(OpCode::L2Normalization, in, L2NormalizationOptions{Activation::Relu}, unit),
                 "fused activation");
}

TEST(LowerArgMax, SeesThreeDimensions) {
  const TensorSpec in{"x", {2, 3, 4, 5}, kU8, quantized(1, 0)};
  const auto op = only<ArgMax>(
      lower(with_constants(OpCode::ArgMax, in, {{-3}}, ArgMaxOptions{}, {"y", {2, 4, 5}, DataType::Int64, {}})));
  EXPECT_EQ(op.outer, 2);
  EXPECT_EQ(op.axis, 3);
  EXPECT_EQ(op.inner, 20);
  expect_refusal(with_constants(OpCode::ArgMax, in, {{0, 1}}, ArgMaxOptions{}, {"y", {2, 4, 5}, DataType::Int64, {}}),
                 "its axis has 2 elements; it must have 1");
}

// ---- Moves.

TEST(LowerMove, SlicesWithEveryMask) {
  const TensorSpec in{"x", {4, 5, 6}, DataType::Int16, {}};
  const auto model = [&](std::vector<int32_t> begin, std::vector<int32_t> end, std::vector<int32_t> strides,
                         StridedSliceOptions options, std::vector<int32_t> out) {
    return with_constants(OpCode::StridedSlice, in, {std::move(begin), std::move(end), std::move(strides)}, options,
                          {"y", std::move(out), DataType::Int16, {}});
  };
  // x[1, ..., newaxis, ::-2]
  const auto move = only<Move>(lower(model(
      {1, 0, 0, 5}, {2, 0, 0, 0}, {1, 1, 1, -2},
      {.begin_mask = 8, .end_mask = 8, .ellipsis_mask = 2, .new_axis_mask = 4, .shrink_axis_mask = 1}, {5, 1, 3})));
  ASSERT_EQ(move.blocks.size(), 1U);
  EXPECT_EQ(move.blocks[0].src_offset, 1 * 30 + 5);
  EXPECT_EQ(move.blocks[0].extents, (std::vector<int64_t>{5, 3}));
  EXPECT_EQ(move.blocks[0].src_strides, (std::vector<int64_t>{6, -2}));
  EXPECT_EQ(move.blocks[0].dst_strides, (std::vector<int64_t>{3, 1}));
  // x[-3:-1:2]
  EXPECT_EQ(only<Move>(lower(model({-3}, {-1}, {2}, {}, {1, 5, 6}))).blocks[0].src_offset, 30);
  expect_refusal(model({3}, {3}, {1}, {}, {1, 5, 6}), "it takes nothing of an axis of 4");
  expect_refusal(model({0}, {3}, {0}, {}, {3, 5, 6}), "strides must not be 0");
  expect_refusal(model({9}, {10}, {1}, {.shrink_axis_mask = 1}, {5, 6}), "index 9 is outside of an axis of 4");
  expect_refusal(model({0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 1}, {}, {1, 1, 1}), "it slices 4 axes of a tensor with 3");
  expect_refusal(model({0}, {1, 2}, {1}, {}, {1, 5, 6}), "equally many elements");
}

TEST(LowerMove, PadsWithZeroPoints) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 200);
  const int32_t x = b.input({"x", {1, 2, 3, 4}, kU8, q});
  const int32_t paddings = b.constant<int32_t>("paddings", {4, 2}, {0, 0, 1, 2, 3, 0, 0, 0});
  b.output(b.op(OpCode::Pad, {x, paddings}, {"y", {1, 5, 6, 4}, kU8, q}));
  const Graph graph = lower(b.build());
  const auto& move = only<Move>(graph);
  ASSERT_TRUE(move.fill.has_value());
  EXPECT_EQ((*move.fill)[0], std::byte{200});
  EXPECT_EQ(move.blocks[0].dst_offset, 1 * 24 + 3 * 4);

  const TensorSpec in{"x", {3}, DataType::Float32, {}};
  expect_refusal(with_constants(OpCode::Pad, in, {{1, 1}}, {}, {"y", {5}, DataType::Float32, {}}), "it must be 1x2");
}

TEST(LowerMove, ChecksShapes) {
  const TensorSpec in{"x", {2, 3, 4}, DataType::Int32, {}};
  const auto out = [](std::vector<int32_t> shape) { return TensorSpec{"y", std::move(shape), DataType::Int32, {}}; };
  const auto reshape = [&](std::vector<int32_t> wanted, std::vector<int32_t> shape) {
    return unary(OpCode::Reshape, in, ReshapeOptions{std::move(wanted)}, out(std::move(shape)));
  };
  EXPECT_EQ(refusal(reshape({6, -1}, {6, 4})), "");
  expect_refusal(reshape({5, -1}, {5, 4}), "does not have the 24 elements");
  expect_refusal(reshape({-1, -1}, {6, 4}), "at most one -1");
  expect_refusal(reshape({65536, 65536, 65536}, {6, 4}), "more than the 24 elements");
  expect_refusal(reshape({6, 4}, {4, 6}), "it must be 6x4");

  EXPECT_EQ(refusal(with_constants(OpCode::Transpose, in, {{2, 0, 1}}, {}, out({4, 2, 3}))), "");
  expect_refusal(with_constants(OpCode::Transpose, in, {{2, 0, 0}}, {}, out({4, 2, 2})), "has an axis twice");
  expect_refusal(with_constants(OpCode::Transpose, in, {{1, 0}}, {}, out({3, 2})), "[1, 0] is not one of 3 dimensions");
  EXPECT_EQ(refusal(with_constants(OpCode::Slice, in, {{0, 1, 2}, {-1, 2, 1}}, {}, out({2, 2, 1}))), "");
  expect_refusal(with_constants(OpCode::Slice, in, {{0, 1, 2}, {-1, 3, 1}}, {}, out({2, 3, 1})),
                 "must lie within 2x3x4");
  EXPECT_EQ(refusal(with_constants(OpCode::ExpandDims, in, {{-1}}, {}, out({2, 3, 4, 1}))), "");
  EXPECT_EQ(refusal(with_constants(OpCode::Tile, in, {{1, 2, 3}}, {}, out({2, 6, 12}))), "");
  expect_refusal(with_constants(OpCode::Tile, in, {{1, 0, 3}}, {}, out({2, 6, 12})), "must be at least 1");
  expect_refusal(unary(OpCode::Squeeze, in, SqueezeOptions{{1}}, out({2, 4})), "it cannot be squeezed");
  expect_refusal(
      unary(OpCode::SpaceToDepth, {"x", {1, 4, 5, 1}, kU8, {}}, BlockOptions{2}, {"y", {1, 2, 2, 4}, kU8, {}}),
      "blocks of 2 do not divide");
  expect_refusal(
      unary(OpCode::DepthToSpace, {"x", {1, 4, 5, 3}, kU8, {}}, BlockOptions{2}, {"y", {1, 8, 10, 1}, kU8, {}}),
      "do not divide 3 channels");
}

TEST(LowerMove, JoinsAndSplits) {
  const auto join = [](DataType type, const Quantization& second) {
    ModelBuilder b("net");
    const Quantization q = quantized(1, 0);
    const int32_t x = b.input({"x", {2, 3}, type, q});
    const int32_t y = b.input({"y", {2, 5}, type, second});
    b.output(b.op(OpCode::Concatenation, {x, y}, ConcatenationOptions{-1}, {"z", {2, 8}, type, q}));
    return b.build();
  };
  const Graph plain = lower(join(kS8, quantized(1, 0)));
  EXPECT_EQ(only<Move>(plain).blocks[1].dst_offset, 3);
  const Graph rescaled = lower(join(kU8, quantized(2, 0)));
  ASSERT_EQ(rescaled.nodes.size(), 2U);
  EXPECT_EQ(std::get<Lookup>(rescaled.nodes[0].op).table[100], 200);
  EXPECT_EQ(rescaled.nodes[1].inputs[1], rescaled.nodes[0].outputs[0]);
  expect_refusal(join(kS8, quantized(2, 0)), "must have the scale and zero point of the output");

  ModelBuilder b("net");
  const int32_t axis = b.constant<int32_t>("axis", {}, {1});
  const int32_t x = b.input({"x", {2, 6}, DataType::Int64, {}});
  for (const int32_t y : b.op(OpCode::Split, {axis, x}, SplitOptions{2},
                              {{"a", {2, 3}, DataType::Int64, {}}, {"b", {2, 3}, DataType::Int64, {}}})) {
    b.output(y);
  }
  const Graph split = lower(b.build());
  EXPECT_EQ(only<Move>(split).blocks[1].src_offset, 3);
}

TEST(LowerGather, ChecksConstantIndices) {
  const TensorSpec in{"x", {2, 3, 4}, DataType::Float32, {}};
  const auto model = [&](std::vector<int32_t> indices, GatherOptions options) {
    return with_constants(OpCode::Gather, in, {std::move(indices)}, options, {"y", {2, 2, 4}, DataType::Float32, {}});
  };
  const auto op = only<Gather>(lower(model({2, 0}, {.axis = 1, .batch_dims = 0})));
  EXPECT_EQ(op.outer, 2);
  EXPECT_EQ(op.axis, 3);
  EXPECT_EQ(op.inner, 4);
  EXPECT_EQ(op.count, 2);
  expect_refusal(model({2, 3}, {.axis = 1, .batch_dims = 0}), "index 3 is outside of an axis of 3");
  expect_refusal(model({2, -1}, {.axis = 1, .batch_dims = 0}), "index -1");
  expect_refusal(model({2, 0}, {.axis = 1, .batch_dims = 2}), "batch_dims 2");
}

// ---- Whole models.

TEST(Lower, ListsEverythingUnsupportedAtOnce) {
  ModelBuilder b("net");
  const int32_t x = b.input({"x", {1, 4}, DataType::Float32, {}});
  const int32_t s = b.op(OpCode::Softmax, {x}, SoftmaxOptions{}, {"s", {1, 4}, DataType::Float32, {}});
  const int32_t t = b.op(OpCode::Softmax, {s}, SoftmaxOptions{}, {"t", {1, 4}, DataType::Float32, {}});
  const int32_t u = b.op(static_cast<OpCode>(16), {t}, {"u", {1, 4}, DataType::Float32, {}});
  b.output(b.custom_op("Mystery", {u}, {}, {{"v", {1, 4}, DataType::UInt8, {}}})[0]);
  const std::string message = refusal(b.build());
  EXPECT_NE(message.find("SOFTMAX version 1 on FLOAT32 -> FLOAT32 (2 times)"), std::string::npos) << message;
  EXPECT_NE(message.find("OP_16 version"), std::string::npos) << message;
  EXPECT_NE(message.find("Mystery version 1 on FLOAT32 -> UINT8 (1 time)"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(Lower, ChecksTheOrderOfOperators) {
  Model model = unary(OpCode::Relu, {"x", {4}, kU8, quantized(1, 0)}, {}, {"y", {4}, kU8, quantized(1, 0)});
  Model broken = model;
  broken.operators[0].inputs[0] = 1;
  expect_refusal(broken, "operator 0 (RELU) reads y before anything writes it");
  broken = model;
  broken.operators[0].outputs[0] = 0;
  expect_refusal(broken, "writes x, which is an input, a constant or written already");
  broken = model;
  broken.operators[0].inputs.clear();
  expect_refusal(broken, "has 0 inputs; it takes 1");
  broken = model;
  broken.operators[0].inputs[0] = 7;
  expect_refusal(broken, "is tensor 7, which does not exist");
  broken = model;
  broken.operators.clear();
  expect_refusal(broken, "nothing writes output y");
  broken = model;
  broken.tensors[1].shape[0] = 0;
  expect_refusal(broken, "has an extent of 0");
}

TEST(Lower, CopiesInputsThatAreOutputs) {
  Model model = unary(OpCode::Relu, {"x", {4}, kU8, quantized(1, 0)}, {}, {"y", {4}, kU8, quantized(1, 0)});
  model.outputs.push_back(0);
  const Graph graph = lower(model);
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.nodes[1].name, "COPY");
  EXPECT_EQ(graph.outputs, (std::vector<int32_t>{1, 2}));
}

}  // namespace
}  // namespace octet
