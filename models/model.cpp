#include "models/model.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace octet {
namespace {

struct OpName {
  OpCode code;
  std::string_view name;
};

constexpr OpName kOpNames[] = {
    {OpCode::Add, "ADD"},
    {OpCode::AveragePool2D, "AVERAGE_POOL_2D"},
    {OpCode::Concatenation, "CONCATENATION"},
    {OpCode::Conv2D, "CONV_2D"},
    {OpCode::DepthwiseConv2D, "DEPTHWISE_CONV_2D"},
    {OpCode::DepthToSpace, "DEPTH_TO_SPACE"},
    {OpCode::Dequantize, "DEQUANTIZE"},
    {OpCode::FullyConnected, "FULLY_CONNECTED"},
    {OpCode::L2Normalization, "L2_NORMALIZATION"},
    {OpCode::Logistic, "LOGISTIC"},
    {OpCode::MaxPool2D, "MAX_POOL_2D"},
    {OpCode::Mul, "MUL"},
    {OpCode::Relu, "RELU"},
    {OpCode::ReluN1To1, "RELU_N1_TO_1"},
    {OpCode::Relu6, "RELU6"},
    {OpCode::Reshape, "RESHAPE"},
    {OpCode::ResizeBilinear, "RESIZE_BILINEAR"},
    {OpCode::Softmax, "SOFTMAX"},
    {OpCode::SpaceToDepth, "SPACE_TO_DEPTH"},
    {OpCode::Tanh, "TANH"},
    {OpCode::Custom, "CUSTOM"},
    {OpCode::Pad, "PAD"},
    {OpCode::Gather, "GATHER"},
    {OpCode::Transpose, "TRANSPOSE"},
    {OpCode::Mean, "MEAN"},
    {OpCode::Sub, "SUB"},
    {OpCode::Squeeze, "SQUEEZE"},
    {OpCode::StridedSlice, "STRIDED_SLICE"},
    {OpCode::Split, "SPLIT"},
    {OpCode::Cast, "CAST"},
    {OpCode::Prelu, "PRELU"},
    {OpCode::ArgMax, "ARG_MAX"},
    {OpCode::PadV2, "PADV2"},
    {OpCode::Slice, "SLICE"},
    {OpCode::TransposeConv, "TRANSPOSE_CONV"},
    {OpCode::Tile, "TILE"},
    {OpCode::ExpandDims, "EXPAND_DIMS"},
    {OpCode::Pack, "PACK"},
    {OpCode::Unpack, "UNPACK"},
    {OpCode::ResizeNearestNeighbor, "RESIZE_NEAREST_NEIGHBOR"},
    {OpCode::LeakyRelu, "LEAKY_RELU"},
    {OpCode::Quantize, "QUANTIZE"},
    {OpCode::HardSwish, "HARD_SWISH"},
};

}  // namespace

size_t size_of(DataType type) {
  switch (type) {
    case DataType::UInt8:
    case DataType::Bool:
    case DataType::Int8:
      return 1;
    case DataType::Float16:
    case DataType::Int16:
    case DataType::UInt16:
      return 2;
    case DataType::Float32:
    case DataType::Int32:
    case DataType::UInt32:
      return 4;
    case DataType::Int64:
    case DataType::UInt64:
    case DataType::Complex64:
    case DataType::Float64:
      return 8;
    case DataType::Complex128:
      return 16;
    case DataType::String:
    case DataType::Resource:
    case DataType::Variant:
    case DataType::Int4:
      return 0;
  }
  return 0;
}

std::string_view name_of(DataType type) {
  constexpr std::string_view kNames[] = {"FLOAT32", "FLOAT16",  "INT32",     "UINT8",  "INT64",   "STRING",
                                         "BOOL",    "INT16",    "COMPLEX64", "INT8",   "FLOAT64", "COMPLEX128",
                                         "UINT64",  "RESOURCE", "VARIANT",   "UINT32", "UINT16",  "INT4"};
  const auto index = static_cast<size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

std::string name_of(OpCode op) {
  const auto found = std::ranges::find(kOpNames, op, &OpName::code);
  if (found != std::end(kOpNames)) return std::string(found->name);
  return "OP_" + std::to_string(static_cast<int32_t>(op));
}

std::string Operator::name() const { return code == OpCode::Custom ? custom_name : name_of(code); }

int64_t element_count(std::span<const int32_t> shape) {
  int64_t count = 1;
  for (int32_t extent : shape) {
    if (extent < 0) throw ModelError("shape " + to_string(shape) + " has a negative extent");
    count *= extent;  // cannot overflow: both factors are below 2^31
    if (count > std::numeric_limits<int32_t>::max())
      throw ModelError("shape " + to_string(shape) + " has more than 2^31 - 1 elements");
  }
  return count;
}

std::string to_string(std::span<const int32_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (int32_t extent : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

}  // namespace octet
