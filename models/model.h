// A network as its file says it: tensors, operators, weights. Verified, otherwise unchanged; no kernel, no target, no
// decision lives here. The reader (tflite_reader.h) makes one from `.tflite` bytes, the writer (tflite_writer.h) makes
// bytes from one, the builders (zoo.h) make one from nothing.
//
// Shapes are in the file's order (activations NHWC; convolution filters OHWI; depthwise filters 1HWC; fully-connected
// weights [out, in]). Names follow TensorFlow Lite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "models/data_type.h"

namespace octet {

/// What is wrong with a file or a network, in one line: which file or operator, what is wrong, and what would work.
struct ModelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// r = scale[c] * (q - zero_point[c]), c along `axis` where there is more than one scale. No scales: not quantized.
struct Quantization {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;  // as many as scales
  int32_t axis = 0;

  bool operator==(const Quantization&) const = default;
};

struct Tensor {
  std::string name;
  DataType type = DataType::Float32;
  std::vector<int32_t> shape;  // every extent >= 1 once read; [] is a scalar
  Quantization quantization;
  std::span<const std::byte> data;  // constant contents, little-endian; empty for activations; lives in Model::storage
  bool is_variable = false;         // state kept from run to run
};

enum class Padding : int8_t { Same = 0, Valid = 1 };
enum class Activation : int8_t { None = 0, Relu = 1, ReluN1To1 = 2, Relu6 = 3, Tanh = 4, SignBit = 5 };

/// Operators by their number in the file format. Any number may occur in a Model; those named here are the ones that
/// carry parsed options or that Octet runs.
enum class OpCode : int32_t {
  Add = 0,
  AveragePool2D = 1,
  Concatenation = 2,
  Conv2D = 3,
  DepthwiseConv2D = 4,
  DepthToSpace = 5,
  Dequantize = 6,
  FullyConnected = 9,
  L2Normalization = 11,
  Logistic = 14,
  MaxPool2D = 17,
  Mul = 18,
  Relu = 19,
  ReluN1To1 = 20,
  Relu6 = 21,
  Reshape = 22,
  ResizeBilinear = 23,
  Softmax = 25,
  SpaceToDepth = 26,
  Tanh = 28,
  Custom = 32,
  Pad = 34,
  Gather = 36,
  Transpose = 39,
  Mean = 40,
  Sub = 41,
  Squeeze = 43,
  StridedSlice = 45,
  Split = 49,
  Cast = 53,
  Prelu = 54,
  ArgMax = 56,
  PadV2 = 60,
  Slice = 65,
  TransposeConv = 67,
  Tile = 69,
  ExpandDims = 70,
  Pack = 83,
  Unpack = 88,
  ResizeNearestNeighbor = 97,
  LeakyRelu = 98,
  Quantize = 114,
  HardSwish = 117,
};
/// "CONV_2D", ...; "OP_<number>" for numbers this list does not name.
std::string name_of(OpCode op);

// Options, one struct a shape of options in the file. The reader guarantees strides, dilations and filter sizes in
// 1..65535 (so (size - 1) * dilation needs 64 bits), counts and block sizes >= 1, finite floats.
struct NoOptions {
  bool operator==(const NoOptions&) const = default;
};
struct Conv2DOptions {  // also TRANSPOSE_CONV (dilations 1)
  Padding padding = Padding::Same;
  int32_t stride_w = 1, stride_h = 1, dilation_w = 1, dilation_h = 1;
  Activation activation = Activation::None;

  bool operator==(const Conv2DOptions&) const = default;
};
struct DepthwiseConv2DOptions {
  Padding padding = Padding::Same;
  int32_t stride_w = 1, stride_h = 1, dilation_w = 1, dilation_h = 1;
  int32_t depth_multiplier = 1;  // informative: the filter's channel count decides
  Activation activation = Activation::None;

  bool operator==(const DepthwiseConv2DOptions&) const = default;
};
struct PoolOptions {
  Padding padding = Padding::Same;
  int32_t stride_w = 1, stride_h = 1, filter_w = 1, filter_h = 1;
  Activation activation = Activation::None;

  bool operator==(const PoolOptions&) const = default;
};
struct FullyConnectedOptions {
  Activation activation = Activation::None;
  bool keep_num_dims = false;
  bool shuffled_weights = false;  // weights_format 1: not supported by the runtime

  bool operator==(const FullyConnectedOptions&) const = default;
};
struct ElementwiseOptions {  // ADD, SUB, MUL
  Activation activation = Activation::None;

  bool operator==(const ElementwiseOptions&) const = default;
};
struct L2NormalizationOptions {
  Activation activation = Activation::None;

  bool operator==(const L2NormalizationOptions&) const = default;
};
struct ConcatenationOptions {
  int32_t axis = 0;
  Activation activation = Activation::None;

  bool operator==(const ConcatenationOptions&) const = default;
};
struct SoftmaxOptions {
  float beta = 1;

  bool operator==(const SoftmaxOptions&) const = default;
};
struct ReshapeOptions {
  std::vector<int32_t> new_shape;  // may be empty: the second input says it

  bool operator==(const ReshapeOptions&) const = default;
};
struct MeanOptions {
  bool keep_dims = false;

  bool operator==(const MeanOptions&) const = default;
};
struct SqueezeOptions {
  std::vector<int32_t> squeeze_dims;

  bool operator==(const SqueezeOptions&) const = default;
};
struct StridedSliceOptions {
  int32_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;

  bool operator==(const StridedSliceOptions&) const = default;
};
struct SplitOptions {
  int32_t num_splits = 1;

  bool operator==(const SplitOptions&) const = default;
};
struct CastOptions {
  std::optional<DataType> in, out;  // absent where the file says nothing

  bool operator==(const CastOptions&) const = default;
};
struct ArgMaxOptions {
  DataType output_type = DataType::Int64;

  bool operator==(const ArgMaxOptions&) const = default;
};
struct BlockOptions {  // SPACE_TO_DEPTH, DEPTH_TO_SPACE
  int32_t block_size = 1;

  bool operator==(const BlockOptions&) const = default;
};
struct ResizeOptions {
  bool align_corners = false, half_pixel_centers = false;

  bool operator==(const ResizeOptions&) const = default;
};
struct LeakyReluOptions {
  float alpha = 0;

  bool operator==(const LeakyReluOptions&) const = default;
};
struct PackOptions {
  int32_t values_count = 1, axis = 0;

  bool operator==(const PackOptions&) const = default;
};
struct UnpackOptions {
  int32_t num = 1, axis = 0;

  bool operator==(const UnpackOptions&) const = default;
};
struct GatherOptions {
  int32_t axis = 0, batch_dims = 0;

  bool operator==(const GatherOptions&) const = default;
};
using Options =
    std::variant<NoOptions, Conv2DOptions, DepthwiseConv2DOptions, PoolOptions, FullyConnectedOptions,
                 ElementwiseOptions, L2NormalizationOptions, ConcatenationOptions, SoftmaxOptions, ReshapeOptions,
                 MeanOptions, SqueezeOptions, StridedSliceOptions, SplitOptions, CastOptions, ArgMaxOptions,
                 BlockOptions, ResizeOptions, LeakyReluOptions, PackOptions, UnpackOptions, GatherOptions>;

struct Operator {
  OpCode code{};
  int32_t version = 1;
  std::string custom_name;       // OpCode::Custom only
  std::vector<int32_t> inputs;   // tensor indices; -1 is an absent optional input
  std::vector<int32_t> outputs;  // tensor indices
  Options options;  // always the alternative that belongs to `code`; NoOptions for operators not named above
  std::vector<std::byte> custom_options;

  /// "CONV_2D", or the custom operator's own name.
  std::string name() const;

  bool operator==(const Operator&) const = default;
};

struct Model {
  std::string name;         // file name without directories and ending, or the zoo's name
  std::string description;  // the file's own
  std::vector<Tensor> tensors;
  std::vector<Operator> operators;  // in execution order: every activation is written before it is read
  std::vector<int32_t> inputs, outputs;
  std::shared_ptr<const void> storage;  // owns the bytes that Tensor::data points into
};

/// Elements of a shape; throws ModelError where the product passes 2^31 - 1.
int64_t element_count(std::span<const int32_t> shape);
/// "1x224x224x3"; "scalar" for [].
std::string to_string(std::span<const int32_t> shape);

}  // namespace octet
