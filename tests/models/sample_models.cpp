#include "tests/models/sample_models.h"

#include <array>
#include <string>
#include <utility>

#include "models/builder.h"

namespace octet {
namespace {

const Quantization kActivation = {{0.5f}, {-3}, 0};
const Quantization kWeights = {{0.25f}, {0}, 0};

TensorSpec int8_activation(std::string name, std::vector<int32_t> shape) {
  return {std::move(name), std::move(shape), DataType::Int8, kActivation};
}

// Adds operators by their number alone: inputs are activations that the graph takes, all of one shape.
class Catalogue {
 public:
  explicit Catalogue(std::string name) : builder_(std::move(name), "one of each") {}

  void add(OpCode code, int inputs, Options options = NoOptions{}, int outputs = 1) {
    std::vector<int32_t> in;
    for (int i = 0; i < inputs; ++i) in.push_back(builder_.input(int8_activation("in", {1, 4, 4, 2})));
    std::vector<TensorSpec> out;
    for (int i = 0; i < outputs; ++i) out.push_back(int8_activation(name_of(code) + std::to_string(i), {1, 4, 4, 2}));
    for (int32_t tensor : builder_.op(code, in, std::move(options), std::move(out))) builder_.output(tensor);
  }

  Model build() { return builder_.build(); }

 private:
  ModelBuilder builder_;
};

void add_windowed(Catalogue& all) {
  all.add(OpCode::AveragePool2D, 1, PoolOptions{Padding::Valid, 2, 3, 4, 5, Activation::Relu});
  all.add(OpCode::MaxPool2D, 1, PoolOptions{Padding::Same, 3, 2, 5, 4, Activation::Relu6});
  all.add(OpCode::Conv2D, 3, Conv2DOptions{Padding::Valid, 2, 3, 4, 5, Activation::Relu6});
  all.add(OpCode::Conv2D, 2, Conv2DOptions{});
  all.add(OpCode::DepthwiseConv2D, 3, DepthwiseConv2DOptions{Padding::Valid, 2, 3, 4, 5, 6, Activation::ReluN1To1});
  all.add(OpCode::TransposeConv, 3, Conv2DOptions{Padding::Valid, 2, 3, 1, 1, Activation::Relu});
  all.add(OpCode::FullyConnected, 3, FullyConnectedOptions{Activation::Tanh, true, false});
  all.add(OpCode::FullyConnected, 2, FullyConnectedOptions{Activation::None, false, true}, 2);
}

void add_elementwise(Catalogue& all) {
  all.add(OpCode::Add, 2, ElementwiseOptions{Activation::Relu});
  all.add(OpCode::Sub, 2, ElementwiseOptions{Activation::SignBit});
  all.add(OpCode::Mul, 2, ElementwiseOptions{Activation::Relu6});
  all.add(OpCode::Prelu, 2);
  all.add(OpCode::LeakyRelu, 1, LeakyReluOptions{0.125f});
  all.add(OpCode::L2Normalization, 1, L2NormalizationOptions{Activation::Relu});
  all.add(OpCode::Softmax, 1, SoftmaxOptions{0.75f});
  all.add(OpCode::Cast, 1, CastOptions{DataType::Int8, DataType::Int16});
  all.add(OpCode::Cast, 1, CastOptions{});
  for (OpCode plain : {OpCode::Dequantize, OpCode::Logistic, OpCode::Relu, OpCode::ReluN1To1, OpCode::Relu6,
                       OpCode::Tanh, OpCode::Quantize, OpCode::HardSwish})
    all.add(plain, 1);
}

void add_reducing(Catalogue& all) {
  all.add(OpCode::Mean, 2, MeanOptions{true});
  all.add(OpCode::ArgMax, 2, ArgMaxOptions{DataType::Int32});
}

void add_moving(Catalogue& all) {
  all.add(OpCode::Concatenation, 3, ConcatenationOptions{-1, Activation::Relu});
  all.add(OpCode::DepthToSpace, 1, BlockOptions{2});
  all.add(OpCode::SpaceToDepth, 1, BlockOptions{3});
  all.add(OpCode::Reshape, 1, ReshapeOptions{{1, -1, 2}});
  all.add(OpCode::Reshape, 2, ReshapeOptions{});
  all.add(OpCode::ResizeBilinear, 2, ResizeOptions{true, false});
  all.add(OpCode::ResizeNearestNeighbor, 2, ResizeOptions{false, true});
  all.add(OpCode::Gather, 2, GatherOptions{2, 1});
  all.add(OpCode::Squeeze, 1, SqueezeOptions{{0, -1}});
  all.add(OpCode::StridedSlice, 4, StridedSliceOptions{1, 2, 4, 8, 16});
  all.add(OpCode::Split, 2, SplitOptions{3}, 3);
  all.add(OpCode::Pack, 2, PackOptions{2, 1});
  all.add(OpCode::Unpack, 1, UnpackOptions{4, 1}, 4);
  for (OpCode plain : {OpCode::Pad, OpCode::Transpose, OpCode::Tile, OpCode::ExpandDims}) all.add(plain, 2);
  for (OpCode plain : {OpCode::PadV2, OpCode::Slice}) all.add(plain, 3);
}

}  // namespace

Model small_network() {
  ModelBuilder b("small", "three operators");
  const auto weight_scales = quantized({0.5f, 0.25f, 0.125f}, 0);
  const auto bias_scales = quantized({0.25f, 0.125f, 0.0625f}, 0);  // times the image's
  const int32_t image = b.input(int8_activation("image", {1, 4, 4, 2}));
  const int32_t weights = b.constant<int8_t>("weights", {3, 1, 1, 2}, {1, -2, 3, -4, 5, -6}, weight_scales);
  const int32_t bias = b.constant<int32_t>("bias", {3}, {100, -200, 300}, bias_scales);
  const int32_t features =
      b.op(OpCode::Conv2D, {image, weights, bias}, Conv2DOptions{}, int8_activation("features", {1, 4, 4, 3}));
  const PoolOptions pool{Padding::Valid, 4, 4, 4, 4, Activation::None};
  const int32_t pooled = b.op(OpCode::AveragePool2D, {features}, pool, int8_activation("pooled", {1, 1, 1, 3}));
  const TensorSpec scores{"scores", {1, 1, 1, 3}, DataType::Int8, quantized(1.0f / 256, -128)};
  b.output(b.op(OpCode::Softmax, {pooled}, SoftmaxOptions{}, scores));
  return b.build();
}

Model every_operator() {
  Catalogue all("every_operator");
  add_windowed(all);
  add_elementwise(all);
  add_reducing(all);
  add_moving(all);
  return all.build();
}

Model odd_network() {
  ModelBuilder b("odd");
  const int32_t in = b.input(int8_activation("in", {2, 3}));
  const std::array<std::byte, 5> custom_options = {std::byte{1}, std::byte{2}, std::byte{0}, std::byte{4},
                                                   std::byte{5}};
  const auto custom = b.custom_op("My_Operator", {in, -1}, custom_options,
                                  {int8_activation("first", {2, 3}), {"second", {}, DataType::Float32, {}}});
  const int32_t floats = b.constant<float>("floats", {2, 2}, {1, 2, 3, 4});
  Tensor alias = b.tensor(floats);
  alias.name = "the same memory";
  const int32_t shared = b.add_tensor(alias);
  Tensor text{
      .name = "text", .type = DataType::String, .shape = {1}, .quantization = {}, .data = b.keep(custom_options)};
  const int32_t string = b.add_tensor(text);
  Tensor state{
      .name = "state", .type = DataType::Float32, .shape = {4}, .quantization = {}, .data = {}, .is_variable = true};
  const int32_t variable = b.add_tensor(state);
  const auto unknown = static_cast<OpCode>(150);  // beyond what the format's old field for numbers holds
  const int32_t out =
      b.op(unknown, {custom[0], floats, shared, string, variable}, {"out", {2, 2}, DataType::Float32, {}});
  const int32_t weights = b.constant<uint8_t>("weights", {1, 3}, {7, 8, 9}, kWeights);
  b.output(out);
  b.output(b.op(OpCode::FullyConnected, {custom[0], weights, -1}, FullyConnectedOptions{},
                int8_activation("fully connected", {2, 1})));
  b.output(custom[1]);
  return b.build();
}

std::vector<Model> sample_models() { return {small_network(), every_operator(), odd_network()}; }

}  // namespace octet
