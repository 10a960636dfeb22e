// Passes: graphs before and after. That results stay the same is for the conformance tests, which run with passes on
// and off.
#include "runtime/passes.h"

#include <gtest/gtest.h>

#include "models/builder.h"

namespace octet {
namespace {

constexpr DataType kU8 = DataType::UInt8;
constexpr DataType kS8 = DataType::Int8;

std::vector<std::string> names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

using Names = std::vector<std::string>;

const Tensor& tensor(const Graph& graph, int32_t index) { return graph.tensors.at(static_cast<size_t>(index)); }

/// PAD of an image of 4 x 4 by `pads` (top, bottom, left, right), then a 3 x 3 convolution without padding.
Model padded_convolution(const std::vector<int32_t>& pads, const Quantization& in_q, bool padded_is_output = false) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 9);
  const int32_t x = b.input({"x", {1, 4, 4, 2}, kU8, in_q});
  const int32_t paddings = b.constant<int32_t>("paddings", {4, 2}, {0, 0, pads[0], pads[1], pads[2], pads[3], 0, 0});
  const int32_t height = 4 + pads[0] + pads[1];
  const int32_t width = 4 + pads[2] + pads[3];
  const int32_t padded = b.op(OpCode::Pad, {x, paddings}, {"padded", {1, height, width, 2}, kU8, q});
  const int32_t w = b.constant({"w", {1, 3, 3, 2}, kU8, quantized(1, 0)}, std::vector<std::byte>(18));
  b.output(b.op(OpCode::Conv2D, {padded, w, -1}, Conv2DOptions{.padding = Padding::Valid},
                {"y", {1, height - 2, width - 2, 1}, kU8, q}));
  if (padded_is_output) b.output(padded);
  return b.build();
}

TEST(FoldPads, GivesPaddingToConvolutions) {
  const Graph graph = fold_pads(lower(padded_convolution({1, 2, 0, 1}, quantized(1, 9))));
  ASSERT_EQ(names(graph), Names{"CONV_2D"});
  const auto& conv = std::get<Convolution>(graph.nodes[0].op);
  EXPECT_EQ(graph.nodes[0].inputs[0], 0);
  EXPECT_EQ(conv.in_h, 4);
  EXPECT_EQ(conv.in_w, 4);
  EXPECT_EQ(conv.out_h, 5);
  EXPECT_EQ(conv.pads.top, 1);
  EXPECT_EQ(conv.pads.bottom, 2);
  EXPECT_EQ(conv.pads.left, 0);
  EXPECT_EQ(conv.pads.right, 1);
}

TEST(FoldPads, LeavesWhatIsSomethingElse) {
  const Names both{"PAD", "CONV_2D"};
  EXPECT_EQ(names(fold_pads(lower(padded_convolution({1, 1, 1, 1}, quantized(2, 9))))), both);        // scales differ
  EXPECT_EQ(names(fold_pads(lower(padded_convolution({3, 0, 0, 0}, quantized(1, 9))))), both);        // empty windows
  EXPECT_EQ(names(fold_pads(lower(padded_convolution({1, 1, 1, 1}, quantized(1, 9), true)))), both);  // read outside
}

/// CONV_2D then RELU6, both with scale 1; the input's zero point decides nothing.
Model activated_convolution(const Quantization& relu_q, bool conv_is_output = false) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 10);
  const int32_t x = b.input({"x", {1, 4, 4, 2}, kU8, q});
  const int32_t w = b.constant({"w", {3, 1, 1, 2}, kU8, quantized(1, 0)}, std::vector<std::byte>(6));
  const int32_t y = b.op(OpCode::Conv2D, {x, w, -1}, Conv2DOptions{}, {"y", {1, 4, 4, 3}, kU8, q});
  b.output(b.op(OpCode::Relu6, {y}, {"z", {1, 4, 4, 3}, kU8, relu_q}));
  if (conv_is_output) b.output(y);
  return b.build();
}

TEST(FuseActivations, NarrowsTheRange) {
  const Graph graph = fuse_activations(lower(activated_convolution(quantized(1, 10))));
  ASSERT_EQ(names(graph), Names{"CONV_2D"});
  const auto& conv = std::get<Convolution>(graph.nodes[0].op);
  EXPECT_EQ(conv.clamp.lo, 10);
  EXPECT_EQ(conv.clamp.hi, 16);
  EXPECT_EQ(graph.nodes[0].outputs, graph.outputs);
}

TEST(FuseActivations, LeavesWhatIsSomethingElse) {
  const Names both{"CONV_2D", "RELU6"};
  EXPECT_EQ(names(fuse_activations(lower(activated_convolution(quantized(2, 10))))), both);        // rescales
  EXPECT_EQ(names(fuse_activations(lower(activated_convolution(quantized(1, 10), true)))), both);  // read outside
}

TEST(FuseLookups, ComposesTables) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 0);
  const int32_t x = b.input({"x", {4}, kU8, q});
  const int32_t y = b.op(OpCode::Quantize, {x}, {"y", {4}, kU8, quantized(1, 3)});
  b.output(b.op(OpCode::Quantize, {y}, {"z", {4}, kU8, quantized(1, 5)}));
  const Graph graph = fuse_lookups(lower(b.build()));
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(graph.nodes[0].inputs[0], 0);
  EXPECT_EQ(std::get<Lookup>(graph.nodes[0].op).table[10], 15);
}

TEST(FuseLookups, DropsIdentities) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 0);
  const int32_t x = b.input({"x", {4}, kU8, q});
  const int32_t same = b.op(OpCode::Relu, {x}, {"same", {4}, kU8, q});  // nothing lies below zero point 0
  const int32_t shape = b.constant<int32_t>("shape", {2}, {2, 2});
  const int32_t moved = b.op(OpCode::Reshape, {same, shape}, ReshapeOptions{}, {"moved", {2, 2}, kU8, q});
  b.output(b.op(OpCode::Relu, {moved}, {"y", {2, 2}, kU8, q}));
  const Graph graph = fuse_lookups(lower(b.build()));
  ASSERT_EQ(names(graph), Names{"RESHAPE"});
  EXPECT_EQ(graph.nodes[0].inputs[0], graph.inputs[0]);
  EXPECT_EQ(graph.nodes[0].outputs[0], graph.outputs[0]);
}

TEST(UnifySign, FlipsAtTheEdges) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, -20);
  const int32_t x = b.input({"x", {1, 4, 4, 2}, kS8, q});
  const int32_t w = b.constant({"w", {2, 1, 1, 2}, kS8, quantized(1, 0)}, std::vector<std::byte>(4));
  const int32_t y =
      b.op(OpCode::Conv2D, {x, w, -1}, Conv2DOptions{.activation = Activation::Relu6}, {"y", {1, 4, 4, 2}, kS8, q});
  const PoolOptions pool{.filter_w = 2, .filter_h = 2};
  b.output(b.op(OpCode::AveragePool2D, {y}, pool, {"z", {1, 4, 4, 2}, kS8, q}));
  const Graph graph = unify_sign(lower(b.build()), kU8);
  ASSERT_EQ(names(graph), (Names{"FLIP_SIGN", "CONV_2D", "AVERAGE_POOL_2D", "FLIP_SIGN"}));

  EXPECT_EQ(tensor(graph, graph.inputs[0]).type, kS8);
  EXPECT_EQ(tensor(graph, graph.outputs[0]).type, kS8);
  EXPECT_EQ(tensor(graph, graph.outputs[0]).quantization, q);
  const Node& conv = graph.nodes[1];
  EXPECT_EQ(conv.inputs[0], graph.nodes[0].outputs[0]);
  EXPECT_EQ(tensor(graph, conv.inputs[0]).quantization.zero_point[0], 108);
  EXPECT_EQ(tensor(graph, conv.inputs[1]).type, kS8);  // weights stay
  EXPECT_EQ(tensor(graph, conv.outputs[0]).type, kU8);
  EXPECT_EQ(std::get<Convolution>(conv.op).clamp.lo, 108);
  EXPECT_EQ(std::get<Convolution>(conv.op).clamp.hi, 114);
  EXPECT_EQ(std::get<Pool>(graph.nodes[2].op).offset, -128);
  EXPECT_EQ(std::get<Lookup>(graph.nodes[3].op).table[0x80], 0);
  EXPECT_EQ(graph.nodes[3].outputs[0], graph.outputs[0]);
}

TEST(UnifySign, FlipsConstantsTablesAndFills) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 20);
  const int32_t x = b.input({"x", {2}, kU8, q});
  const int32_t c = b.constant<uint8_t>("c", {2}, {1, 200}, q);
  const int32_t sum = b.op(OpCode::Add, {x, c}, ElementwiseOptions{}, {"sum", {2}, kU8, q});
  const int32_t relu = b.op(OpCode::Relu, {sum}, {"relu", {2}, kU8, q});
  const int32_t paddings = b.constant<int32_t>("paddings", {1, 2}, {1, 1});
  const int32_t padded = b.op(OpCode::Pad, {relu, paddings}, {"padded", {4}, kU8, q});
  b.output(b.op(OpCode::Cast, {padded}, CastOptions{}, {"y", {4}, DataType::Int32, {}}));
  const Graph graph = unify_sign(lower(b.build()), kS8);
  ASSERT_EQ(names(graph), (Names{"FLIP_SIGN", "ADD", "RELU", "PAD", "CAST"}));

  const Tensor& constant = tensor(graph, graph.nodes[1].inputs[1]);
  EXPECT_EQ(constant.type, kS8);
  EXPECT_EQ(constant.quantization.zero_point[0], -108);
  ASSERT_EQ(constant.data.size(), 2U);
  EXPECT_EQ(constant.data[0], std::byte{0x81});
  EXPECT_EQ(constant.data[1], std::byte{200 ^ 0x80});
  EXPECT_EQ(tensor(graph, c).data[0], std::byte{1});  // the file's own stays

  const auto& table = std::get<Lookup>(graph.nodes[2].op).table;
  EXPECT_EQ(static_cast<int8_t>(table[static_cast<uint8_t>(-128)]), -108);
  EXPECT_EQ(static_cast<int8_t>(table[5]), 5);
  EXPECT_EQ((*std::get<Move>(graph.nodes[3].op).fill)[0], static_cast<std::byte>(-108));
  EXPECT_EQ(std::get<Convert>(graph.nodes[4].op).offset_in, 128);
}

TEST(UnifySign, LeavesTheRightTypeAlone) {
  const Graph before = lower(activated_convolution(quantized(1, 10)));
  const Graph after = unify_sign(before, kU8);
  EXPECT_EQ(names(after), names(before));
  EXPECT_EQ(after.tensors.size(), before.tensors.size());
}

/// How a network differs from a convolution of x added to `other`, an input of the same shape.
struct Added {
  bool result_is_second = false, result_is_output = false, other_is_a_constant = false, other_is_smaller = false;
  OpCode op = OpCode::Add;
  float sum_scale = 1.3f;
};

Model added_convolution(const Added& how) {
  ModelBuilder b("net");
  const std::vector<int32_t> shape{1, 8, 105, 48};  // whole tiles of any kernel
  const int32_t x = b.input({"x", {1, 8, 105, 64}, kU8, quantized(1, 9)});
  const int32_t w = b.constant({"w", {48, 1, 1, 64}, kU8, quantized(0.02f, 0)}, std::vector<std::byte>(48 * 64));
  const int32_t result = b.op(OpCode::Conv2D, {x, w, -1}, Conv2DOptions{.activation = Activation::Relu},
                              {"result", shape, kU8, quantized(1, 20)});
  const std::vector<int32_t> other_shape = how.other_is_smaller ? std::vector{48} : shape;
  const TensorSpec other_tensor{"other", other_shape, kU8, quantized(0.8f, 30)};
  const auto bytes = static_cast<size_t>(element_count(other_shape));
  const int32_t other =
      how.other_is_a_constant ? b.constant(other_tensor, std::vector<std::byte>(bytes)) : b.input(other_tensor);
  const std::vector<int32_t> operands = how.result_is_second ? std::vector{other, result} : std::vector{result, other};
  b.output(b.op(how.op, operands, ElementwiseOptions{.activation = Activation::Relu},
                {"sum", shape, kU8, quantized(how.sum_scale, 40)}));
  if (how.result_is_output) b.output(result);
  return b.build();
}

TEST(FuseAdditions, MakesThemPartOfTheConvolution) {
  for (const Target target : compiled_targets())
    for (const bool second : {false, true}) {
      const Graph before = lower(added_convolution({.result_is_second = second}));
      const Graph graph = fuse_additions(before, {.target = target});
      ASSERT_EQ(names(graph), Names{"CONV_2D"}) << name_of(target);
      const Node& node = graph.nodes[0];
      EXPECT_EQ(node.outputs, before.outputs);
      ASSERT_EQ(node.inputs.size(), 4U);
      EXPECT_EQ(node.inputs[3], before.inputs[1]);
      const auto& conv = std::get<Convolution>(node.op);
      EXPECT_EQ(conv.clamp.lo, 20);
      ASSERT_TRUE(conv.addition);
      EXPECT_EQ(conv.addition->result_zero, 20);
      EXPECT_EQ(conv.addition->clamp.lo, 40);
      EXPECT_GT(conv.addition->sum.a, conv.addition->sum.b);  // in the ratio of the scales
    }
}

TEST(FuseAdditions, GivesThemToTheLaterConvolution) {
  ModelBuilder b("net");
  const std::vector<int32_t> shape{1, 8, 105, 48};
  const int32_t x = b.input({"x", {1, 8, 105, 64}, kU8, quantized(1, 9)});
  const int32_t w = b.constant({"w", {48, 1, 1, 64}, kU8, quantized(0.02f, 0)}, std::vector<std::byte>(48 * 64));
  std::vector<int32_t> results;
  for (const std::string name : {"first", "second"})
    results.push_back(b.op(OpCode::Conv2D, {x, w, -1}, Conv2DOptions{}, {name, shape, kU8, quantized(1, 20)}));
  b.output(b.op(OpCode::Add, results, ElementwiseOptions{}, {"sum", shape, kU8, quantized(1.5f, 40)}));
  for (const Target target : compiled_targets()) {
    const Graph graph = fuse_additions(lower(b.build()), {.target = target});
    ASSERT_EQ(names(graph), (Names{"CONV_2D", "CONV_2D"}));
    EXPECT_EQ(graph.nodes[0].outputs[0], results[0]);
    EXPECT_EQ(graph.nodes[1].outputs, graph.outputs);
    EXPECT_EQ(graph.nodes[1].inputs.back(), results[0]);
  }
}

TEST(FuseAdditions, LeavesWhatIsSomethingElse) {
  for (const Target target : compiled_targets()) {
    const PlanOptions options{.target = target};
    const auto after = [&](const Added& how) { return names(fuse_additions(lower(added_convolution(how)), options)); };
    const Names both{"CONV_2D", "ADD"};
    EXPECT_EQ(after({.result_is_output = true}), both);
    EXPECT_EQ(after({.other_is_a_constant = true}), both);
    EXPECT_EQ(after({.other_is_smaller = true}), both);
    EXPECT_EQ(after({.op = OpCode::Sub}), (Names{"CONV_2D", "SUB"}));
    EXPECT_EQ(after({.sum_scale = 0.01f}), both);  // no affine form
  }
}

/// 1 x 1 convolution, then a depthwise and, if wanted, another convolution of 3 x 3 with stride `second`, all padded.
Model bordered_convolutions(int32_t second = 0, bool middle_is_output = false) {
  ModelBuilder b("net");
  const Quantization q = quantized(1, 9);
  const int32_t width = 5 * 7 * 24;  // whole tiles of any kernel
  const auto weights = [&](std::vector<int32_t> shape) {
    const auto count = static_cast<size_t>(element_count(shape));
    return b.constant({"w", std::move(shape), kU8, quantized(1, 0)}, std::vector<std::byte>(count));
  };
  const int32_t x = b.input({"x", {1, 4, width, 2}, kU8, q});
  const int32_t middle =
      b.op(OpCode::Conv2D, {x, weights({2, 1, 1, 2}), -1}, Conv2DOptions{}, {"middle", {1, 4, width, 2}, kU8, q});
  b.output(b.op(OpCode::DepthwiseConv2D, {middle, weights({1, 3, 3, 2}), -1},
                DepthwiseConv2DOptions{.padding = Padding::Same, .depth_multiplier = 1},
                {"y", {1, 4, width, 2}, kU8, q}));
  if (second > 0) {
    DepthwiseConv2DOptions options{.padding = Padding::Same, .depth_multiplier = 1};
    options.stride_w = options.stride_h = second;
    b.output(b.op(OpCode::DepthwiseConv2D, {middle, weights({1, 3, 3, 2}), -1}, options,
                  {"z", {1, 4 / second, width / second, 2}, kU8, q}));
  }
  if (middle_is_output) b.output(middle);
  return b.build();
}

TEST(PadInPlace, LeavesRoomForTheBorder) {
  for (const Target target : compiled_targets()) {
    const PlanOptions options{.target = target};
    for (const int32_t second : {0, 1}) {
      const Graph graph = pad_in_place(lower(bordered_convolutions(second)), options);
      ASSERT_EQ(graph.margins.size(), 1U);
      EXPECT_EQ(graph.margins.begin()->first, graph.nodes[0].outputs[0]);
      EXPECT_EQ(graph.margins.begin()->second, (Pads{.top = 1, .left = 1, .bottom = 1, .right = 1}));
    }
  }
}

TEST(PadInPlace, LeavesWhatOthersReadToo) {
  for (const Target target : compiled_targets()) {
    const PlanOptions options{.target = target}, keeping{.target = target, .keep_all = true};
    EXPECT_TRUE(pad_in_place(lower(bordered_convolutions(0, true)), options).margins.empty());
    EXPECT_TRUE(pad_in_place(lower(bordered_convolutions(2)), options).margins.empty());  // another border
    EXPECT_TRUE(pad_in_place(lower(bordered_convolutions()), keeping).margins.empty());
  }
}

/// A quantized network as converters make them: uint8 outside, int8 inside.
Model converted() {
  ModelBuilder b("net");
  const int32_t x = b.input({"x", {4}, kU8, quantized(1, 128)});
  const int32_t inside = b.op(OpCode::Quantize, {x}, {"inside", {4}, kS8, quantized(1, 0)});
  const int32_t sum = b.op(OpCode::Add, {inside, inside}, ElementwiseOptions{}, {"sum", {4}, kS8, quantized(2, 0)});
  b.output(b.op(OpCode::Quantize, {sum}, {"y", {4}, kU8, quantized(2, 128)}));
  return b.build();
}

TEST(RunPasses, LeaveNothingOfFlipsThatCancelOut) {
  PlanOptions options;
  for (const Target target : {Target::Avx2, Target::Neon}) {
    options.target = target;
    const Graph graph = run_passes(lower(converted()), options);
    const bool is_x86 = activation_type(target) == kU8;
    EXPECT_EQ(graph.nodes.size(), is_x86 ? 1U : 3U);
  }
}

TEST(RunPasses, CanBeTurnedOffByName) {
  PlanOptions options;
  options.target = Target::Avx2;
  // Without tables that vanish, the first QUANTIZE stays; the second is a range that ADD takes over.
  options.passes_off = {"fuse_lookups"};
  EXPECT_EQ(names(run_passes(lower(converted()), options)), (Names{"QUANTIZE", "ADD"}));
  options.passes_off = {"fuse_lookups", "fuse_activations"};
  EXPECT_EQ(names(run_passes(lower(converted()), options)), (Names{"QUANTIZE", "ADD", "QUANTIZE"}));
  options.passes_off = {"fuse_everything"};
  EXPECT_THROW(run_passes(lower(converted()), options), ModelError);
  for (const Pass& pass : passes()) {
    EXPECT_FALSE(pass.name.empty());
    EXPECT_FALSE(pass.purpose.empty());
    options.passes_off = {std::string(pass.name)};
    EXPECT_NO_THROW(run_passes(lower(converted()), options));
  }
}

}  // namespace
}  // namespace octet
