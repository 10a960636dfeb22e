// What the lowering of one operator works with (internal to runtime/lower*.cpp). A lowering function checks everything
// it relies on and throws ModelError in one line: which operator, what is wrong, what would work.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/graph.h"

namespace octet {

inline bool is_8bit(DataType type) { return type == DataType::UInt8 || type == DataType::Int8; }
inline int32_t lowest(DataType type) { return type == DataType::UInt8 ? 0 : -128; }
inline int32_t highest(DataType type) { return type == DataType::UInt8 ? 255 : 127; }

/// Quantization of a whole tensor.
struct Scale {
  float scale;
  int32_t zero_point;
};

using Shape = std::vector<int32_t>;

/// Strides of a dense tensor, in elements.
std::vector<int64_t> dense_strides(std::span<const int32_t> shape);

class OpLowering {
 public:
  OpLowering(const Model& model, int32_t index, Graph& graph) : model_(model), index_(index), graph_(graph) {}

  const Operator& op() const { return model_.operators[static_cast<size_t>(index_)]; }
  size_t input_count() const { return op().inputs.size(); }
  size_t output_count() const { return op().outputs.size(); }
  bool has_input(size_t i) const { return i < op().inputs.size() && op().inputs[i] >= 0; }
  /// Index of a tensor; an absent input is -1.
  int32_t input_id(size_t i) const { return i < op().inputs.size() ? op().inputs[i] : -1; }
  int32_t output_id(size_t i = 0) const { return op().outputs[i]; }
  const Tensor& input(size_t i = 0) const { return graph_.tensors[static_cast<size_t>(input_id(i))]; }
  const Tensor& output(size_t i = 0) const { return graph_.tensors[static_cast<size_t>(output_id(i))]; }
  template <typename T>
  const T& options() const {
    const T* options = std::get_if<T>(&op().options);
    if (options == nullptr) fail("its options are those of another operator");
    return *options;
  }

  /// Throws: "mobilenet: operator 3 (CONV_2D): `wrong`".
  [[noreturn]] void fail(const std::string& wrong) const;
  void require(bool ok, const std::string& wrong) const {
    if (!ok) fail(wrong);
  }

  void require_rank(const Tensor& tensor, size_t rank) const;
  /// The file's shape of output `i` must be the computed one.
  void require_shape(std::span<const int64_t> computed, size_t i = 0) const;
  /// No fused activation.
  void require_no_activation(Activation activation) const;

  /// The quantization of an 8-bit tensor: one positive scale, a zero point within the type.
  Scale scale_of(const Tensor& tensor) const;
  /// d as a fixed-point number; `what` says which factor it is. The left shift is at most 30.
  FixedPoint rescale(double d, const std::string& what) const;
  /// The range that a fused activation leaves of the output tensor's type.
  Clamp clamp_of(Activation activation, const Tensor& tensor) const;

  /// Values of a constant int32 or int64 input; `what` names it ("axis").
  std::vector<int64_t> integers(size_t i, const std::string& what) const;
  /// The same where it must be one value.
  int64_t integer(size_t i, const std::string& what) const;
  /// A possibly negative axis as one in [0, rank).
  size_t axis(int64_t value, size_t rank) const;

  /// A tensor that the file does not have; returns its index.
  int32_t add_tensor(Tensor tensor);
  void emit(Op op, std::vector<int32_t> inputs, std::vector<int32_t> outputs);
  /// With the operator's first `inputs` inputs and first output.
  void emit(Op op, size_t inputs = 1);

 private:
  const Model& model_;
  int32_t index_;
  Graph& graph_;
};

// Where a sliding window (convolution, pool) lies along one axis.
struct Window {
  int32_t out;            // positions; 0 where the window does not fit
  int32_t before, after;  // padding
};

/// SAME: ceil(in / stride) positions, and the padding that they need, the odd one behind. VALID: those that fit.
inline Window window(int64_t in, int64_t filter, int64_t stride, int64_t dilation, Padding padding) {
  const int64_t extent = (filter - 1) * dilation + 1;
  const int64_t out =
      padding == Padding::Same ? (in + stride - 1) / stride : std::max<int64_t>(0, (in + stride - extent) / stride);
  if (padding == Padding::Valid) return {static_cast<int32_t>(out), 0, 0};
  const int64_t total = std::clamp<int64_t>((out - 1) * stride + extent - in, 0, INT32_MAX);
  return {static_cast<int32_t>(out), static_cast<int32_t>(total / 2), static_cast<int32_t>(total - total / 2)};
}

// One function an operator (the dispatch table is in lower.cpp).
void lower_conv_2d(OpLowering& l);
void lower_depthwise_conv_2d(OpLowering& l);
void lower_fully_connected(OpLowering& l);
void lower_transpose_conv(OpLowering& l);

void lower_add(OpLowering& l);
void lower_sub(OpLowering& l);
void lower_mul(OpLowering& l);
void lower_prelu(OpLowering& l);

void lower_logistic(OpLowering& l);
void lower_tanh(OpLowering& l);
void lower_relu(OpLowering& l);
void lower_relu6(OpLowering& l);
void lower_relu_n1_to_1(OpLowering& l);
void lower_hard_swish(OpLowering& l);
void lower_leaky_relu(OpLowering& l);

void lower_average_pool_2d(OpLowering& l);
void lower_max_pool_2d(OpLowering& l);
void lower_mean(OpLowering& l);
void lower_softmax(OpLowering& l);
void lower_l2_normalization(OpLowering& l);
void lower_arg_max(OpLowering& l);

void lower_quantize(OpLowering& l);
void lower_dequantize(OpLowering& l);
void lower_cast(OpLowering& l);

void lower_gather(OpLowering& l);
void lower_resize_bilinear(OpLowering& l);
void lower_resize_nearest_neighbor(OpLowering& l);

void lower_concatenation(OpLowering& l);
void lower_pack(OpLowering& l);
void lower_unpack(OpLowering& l);
void lower_split(OpLowering& l);
void lower_pad(OpLowering& l);
void lower_reshape(OpLowering& l);
void lower_squeeze(OpLowering& l);
void lower_expand_dims(OpLowering& l);
void lower_transpose(OpLowering& l);
void lower_slice(OpLowering& l);
void lower_strided_slice(OpLowering& l);
void lower_space_to_depth(OpLowering& l);
void lower_depth_to_space(OpLowering& l);
void lower_tile(OpLowering& l);

// Tables of 256 entries for functions of one 8-bit value (lower_table.cpp), index and value as unsigned bytes.

/// out = Z_out + mbqm(q - Z_in, rescale), clamped.
Lookup requantize_table(DataType in_type, int32_t in_zero, DataType out_type, int32_t out_zero, FixedPoint rescale,
                        Clamp clamp);
/// CONCATENATION's rescaling of uint8 inputs, in float.
Lookup concatenation_table(Scale in, Scale out);
/// CAST between 8-bit types: the bits stay.
Lookup identity_table();

}  // namespace octet
