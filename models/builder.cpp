#include "models/builder.h"

#include <deque>
#include <utility>

namespace octet {

Quantization quantized(float scale, int64_t zero_point) { return {{scale}, {zero_point}, 0}; }

Quantization quantized(std::vector<float> scales, int32_t axis) {
  std::vector<int64_t> zero_points(scales.size(), 0);
  return {std::move(scales), std::move(zero_points), axis};
}

// Blocks never move; operator new aligns them for every element type.
struct ModelBuilder::Storage {
  std::deque<std::vector<std::byte>> blocks;
};

ModelBuilder::ModelBuilder(std::string name, std::string description) : storage_(std::make_shared<Storage>()) {
  model_.name = std::move(name);
  model_.description = std::move(description);
  model_.storage = storage_;
}

int32_t ModelBuilder::input(TensorSpec spec) {
  const int32_t index = activation(std::move(spec));
  model_.inputs.push_back(index);
  return index;
}

int32_t ModelBuilder::activation(TensorSpec spec) {
  Tensor tensor;
  tensor.name = std::move(spec.name);
  tensor.shape = std::move(spec.shape);
  tensor.type = spec.type;
  tensor.quantization = std::move(spec.quantization);
  return add_tensor(std::move(tensor));
}

int32_t ModelBuilder::constant(TensorSpec spec, std::span<const std::byte> bytes) {
  const int64_t wanted = element_count(spec.shape) * static_cast<int64_t>(size_of(spec.type));
  if (static_cast<int64_t>(bytes.size()) != wanted)
    throw ModelError(spec.name + ": " + std::to_string(bytes.size()) + " bytes given, " + to_string(spec.shape) + " " +
                     std::string(name_of(spec.type)) + " has " + std::to_string(wanted));
  const std::span<const std::byte> kept = keep(bytes);
  const int32_t index = activation(std::move(spec));
  tensor(index).data = kept;
  return index;
}

int32_t ModelBuilder::add_tensor(Tensor tensor) {
  model_.tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(model_.tensors.size()) - 1;
}

std::span<const std::byte> ModelBuilder::keep(std::span<const std::byte> bytes) {
  return storage_->blocks.emplace_back(bytes.begin(), bytes.end());
}

int32_t ModelBuilder::op(OpCode code, std::vector<int32_t> inputs, Options options, TensorSpec output) {
  std::vector<TensorSpec> outputs;
  outputs.push_back(std::move(output));
  return op(code, std::move(inputs), std::move(options), std::move(outputs)).front();
}

int32_t ModelBuilder::op(OpCode code, std::vector<int32_t> inputs, TensorSpec output) {
  return op(code, std::move(inputs), NoOptions{}, std::move(output));
}

std::vector<int32_t> ModelBuilder::op(OpCode code, std::vector<int32_t> inputs, Options options,
                                      std::vector<TensorSpec> outputs) {
  Operator op;
  op.code = code;
  op.inputs = std::move(inputs);
  op.options = std::move(options);
  add_made(std::move(op), std::move(outputs));
  return model_.operators.back().outputs;
}

std::vector<int32_t> ModelBuilder::custom_op(std::string name, std::vector<int32_t> inputs,
                                             std::span<const std::byte> options, std::vector<TensorSpec> outputs) {
  Operator op;
  op.code = OpCode::Custom;
  op.custom_name = std::move(name);
  op.inputs = std::move(inputs);
  op.custom_options.assign(options.begin(), options.end());
  add_made(std::move(op), std::move(outputs));
  return model_.operators.back().outputs;
}

void ModelBuilder::add_made(Operator op, std::vector<TensorSpec> outputs) {
  for (int32_t index : op.inputs)
    if (index != -1) check_exists(index, op.name());
  for (TensorSpec& spec : outputs) op.outputs.push_back(activation(std::move(spec)));
  const auto tensors_of = [this](std::span<const int32_t> indices) {
    std::vector<const Tensor*> tensors;
    for (int32_t index : indices) tensors.push_back(index < 0 ? nullptr : &tensor(index));
    return tensors;
  };
  op.version = operator_version(op.code, op.options, tensors_of(op.inputs), tensors_of(op.outputs));
  add_operator(std::move(op));
}

void ModelBuilder::add_operator(Operator op) { model_.operators.push_back(std::move(op)); }

void ModelBuilder::output(int32_t tensor) {
  check_exists(tensor, "the model's output");
  model_.outputs.push_back(tensor);
}

const Tensor& ModelBuilder::tensor(int32_t index) const { return model_.tensors.at(static_cast<size_t>(index)); }

Tensor& ModelBuilder::tensor(int32_t index) { return model_.tensors.at(static_cast<size_t>(index)); }

Model ModelBuilder::build() const { return model_; }

void ModelBuilder::check_exists(int32_t tensor, const std::string& reader) const {
  const auto count = static_cast<int32_t>(model_.tensors.size());
  if (tensor < 0 || tensor >= count)
    throw ModelError(model_.name + ": " + reader + " is to read tensor " + std::to_string(tensor) + " of " +
                     std::to_string(count));
}

namespace {

bool has_type(std::span<const Tensor* const> tensors, size_t index, DataType type) {
  return index < tensors.size() && tensors[index] && tensors[index]->type == type;
}

bool has_rank_above(std::span<const Tensor* const> tensors, size_t rank) {
  return !tensors.empty() && tensors[0] && tensors[0]->shape.size() > rank;
}

bool is_grouped(const Tensor& input, const Tensor& filter) {
  return input.shape.size() == 4 && filter.shape.size() == 4 && input.shape[3] != filter.shape[3];
}

int32_t conv_version(std::span<const Tensor* const> inputs) {
  if (inputs.size() > 1 && inputs[0] && inputs[1] && is_grouped(*inputs[0], *inputs[1])) return 6;
  return has_type(inputs, 1, DataType::Int8) ? 3 : 1;
}

int32_t depthwise_version(const Options& options, std::span<const Tensor* const> inputs) {
  if (has_type(inputs, 1, DataType::Int8)) return 3;
  const auto* depthwise = std::get_if<DepthwiseConv2DOptions>(&options);
  return depthwise && (depthwise->dilation_w != 1 || depthwise->dilation_h != 1) ? 2 : 1;
}

int32_t fully_connected_version(const Options& options, std::span<const Tensor* const> inputs) {
  if (inputs.size() < 3 || !inputs[2]) return 6;
  const auto* fully_connected = std::get_if<FullyConnectedOptions>(&options);
  if (fully_connected && fully_connected->keep_num_dims) return 5;
  if (has_type(inputs, 1, DataType::Int8)) return 4;
  return fully_connected && fully_connected->shuffled_weights ? 2 : 1;
}

int32_t mul_version(std::span<const Tensor* const> inputs, std::span<const Tensor* const> outputs) {
  const auto scale = [](std::span<const Tensor* const> tensors, size_t index) {
    const bool is_quantized = index < tensors.size() && tensors[index] && !tensors[index]->quantization.scale.empty();
    return is_quantized ? tensors[index]->quantization.scale[0] : 0;
  };
  const float output_scale = scale(outputs, 0);
  if (output_scale > 0 && scale(inputs, 0) * scale(inputs, 1) >= output_scale) return 3;
  return has_type(inputs, 0, DataType::Int8) ? 2 : 1;
}

int32_t resize_version(OpCode code, const Options& options, std::span<const Tensor* const> inputs) {
  const auto* resize = std::get_if<ResizeOptions>(&options);
  const bool is_nearest = code == OpCode::ResizeNearestNeighbor;
  if (resize && (resize->half_pixel_centers || (is_nearest && resize->align_corners))) return 3;
  return has_type(inputs, 0, DataType::Int8) ? 2 : 1;
}

}  // namespace

int32_t operator_version(OpCode code, const Options& options, std::span<const Tensor* const> inputs,
                         std::span<const Tensor* const> outputs) {
  const bool is_int8 = has_type(inputs, 0, DataType::Int8);
  const bool is_uint8 = has_type(inputs, 0, DataType::UInt8);
  switch (code) {
    case OpCode::Conv2D:
      return conv_version(inputs);
    case OpCode::DepthwiseConv2D:
      return depthwise_version(options, inputs);
    case OpCode::FullyConnected:
      return fully_connected_version(options, inputs);
    case OpCode::TransposeConv:  // shape, filter, input[, bias]
      if (inputs.size() > 3 && inputs[3]) return 3;
      return has_type(inputs, 1, DataType::Int8) ? 2 : 1;
    case OpCode::Mul:
      return mul_version(inputs, outputs);
    case OpCode::ResizeBilinear:
    case OpCode::ResizeNearestNeighbor:
      return resize_version(code, options, inputs);
    case OpCode::Split:  // axis, input
      return has_type(inputs, 1, DataType::Int8) ? 2 : 1;
    case OpCode::Relu:
    case OpCode::Unpack:
      return is_int8 || is_uint8 ? 2 : 1;
    case OpCode::Pad:
    case OpCode::PadV2:
    case OpCode::Transpose:
      if (has_rank_above(inputs, 4)) return 4;
      return is_int8 ? 2 : 1;
    case OpCode::Cast:
    case OpCode::Tile:
      return is_int8 ? 3 : 1;
    case OpCode::Add:
    case OpCode::Sub:
    case OpCode::AveragePool2D:
    case OpCode::MaxPool2D:
    case OpCode::Concatenation:
    case OpCode::DepthToSpace:
    case OpCode::SpaceToDepth:
    case OpCode::Dequantize:
    case OpCode::L2Normalization:
    case OpCode::Logistic:
    case OpCode::Tanh:
    case OpCode::Relu6:
    case OpCode::Softmax:
    case OpCode::Gather:
    case OpCode::Mean:
    case OpCode::StridedSlice:
    case OpCode::Slice:
    case OpCode::ArgMax:
    case OpCode::Pack:
      return is_int8 ? 2 : 1;
    default:
      return 1;
  }
}

int32_t window_output(int32_t input, int32_t filter, int32_t stride, Padding padding, int32_t dilation) {
  if (padding == Padding::Same) return static_cast<int32_t>((int64_t{input} + stride - 1) / stride);
  const int64_t reach = int64_t{filter - 1} * dilation + 1;
  return input < reach ? 0 : static_cast<int32_t>((input - reach) / stride + 1);
}

}  // namespace octet
