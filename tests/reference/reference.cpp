#include "tests/reference/reference.h"

#include <string>

#include "tests/reference/kernels.h"

namespace octet {
namespace {

void run_operator(reference::Context& context) {
  using namespace reference;
  switch (context.code()) {
    case OpCode::Add:
      return add(context);
    case OpCode::ArgMax:
      return arg_max(context);
    case OpCode::AveragePool2D:
      return average_pool_2d(context);
    case OpCode::Cast:
      return cast(context);
    case OpCode::Concatenation:
      return concatenation(context);
    case OpCode::Conv2D:
      return conv_2d(context);
    case OpCode::DepthToSpace:
      return depth_to_space(context);
    case OpCode::DepthwiseConv2D:
      return depthwise_conv_2d(context);
    case OpCode::Dequantize:
      return dequantize(context);
    case OpCode::ExpandDims:
    case OpCode::Reshape:
    case OpCode::Squeeze:
      return reshape(context);
    case OpCode::FullyConnected:
      return fully_connected(context);
    case OpCode::Gather:
      return gather(context);
    case OpCode::HardSwish:
      return hard_swish(context);
    case OpCode::L2Normalization:
      return l2_normalization(context);
    case OpCode::LeakyRelu:
      return leaky_relu(context);
    case OpCode::Logistic:
      return logistic(context);
    case OpCode::MaxPool2D:
      return max_pool_2d(context);
    case OpCode::Mean:
      return mean(context);
    case OpCode::Mul:
      return mul(context);
    case OpCode::Pack:
      return pack(context);
    case OpCode::Pad:
    case OpCode::PadV2:
      return pad(context);
    case OpCode::Prelu:
      return prelu(context);
    case OpCode::Quantize:
      return quantize(context);
    case OpCode::Relu:
      return relu(context);
    case OpCode::Relu6:
      return relu6(context);
    case OpCode::ReluN1To1:
      return relu_n1_to_1(context);
    case OpCode::ResizeBilinear:
      return resize_bilinear(context);
    case OpCode::ResizeNearestNeighbor:
      return resize_nearest_neighbor(context);
    case OpCode::Slice:
      return slice(context);
    case OpCode::Softmax:
      return softmax(context);
    case OpCode::SpaceToDepth:
      return space_to_depth(context);
    case OpCode::Split:
      return split(context);
    case OpCode::StridedSlice:
      return strided_slice(context);
    case OpCode::Sub:
      return sub(context);
    case OpCode::Tanh:
      return reference::tanh(context);
    case OpCode::Tile:
      return tile(context);
    case OpCode::Transpose:
      return transpose(context);
    case OpCode::TransposeConv:
      return transpose_conv(context);
    case OpCode::Unpack:
      return unpack(context);
    default:
      context.fail("is not an operator of the reference");
  }
}

}  // namespace

ReferenceResult run_reference(const Model& model, std::span<const std::vector<std::byte>> inputs) {
  if (inputs.size() != model.inputs.size()) {
    throw ModelError("reference: '" + model.name + "' has " + std::to_string(model.inputs.size()) + " inputs, not " +
                     std::to_string(inputs.size()));
  }
  ReferenceResult result;
  result.tensors.resize(model.tensors.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto index = static_cast<size_t>(model.inputs[i]);
    const Tensor& tensor = model.tensors.at(index);
    const size_t size = static_cast<size_t>(element_count(tensor.shape)) * size_of(tensor.type);
    if (inputs[i].size() != size) {
      throw ModelError("reference: input '" + tensor.name + "' has " + std::to_string(size) + " bytes, not " +
                       std::to_string(inputs[i].size()));
    }
    result.tensors[index] = inputs[i];
  }
  for (const Operator& op : model.operators) {
    reference::Context context(model, op, result.tensors);
    run_operator(context);
  }
  for (const int32_t output : model.outputs) {
    const auto index = static_cast<size_t>(output);
    const std::span<const std::byte> constant = model.tensors.at(index).data;
    if (result.tensors[index].empty()) result.tensors[index].assign(constant.begin(), constant.end());
  }
  return result;
}

}  // namespace octet
