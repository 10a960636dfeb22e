// Networks made in code: by the zoo, and by tests that need one operator, one odd shape or one deliberate mistake.
//
//   ModelBuilder b("tiny");
//   const int32_t x = b.input({"image", {1, 8, 8, 3}, DataType::UInt8, quantized(1.0f / 128, 128)});
//   const int32_t w = b.constant<uint8_t>("w", {4, 3, 3, 3}, weights, quantized(0.01f, 120));
//   const int32_t bias = b.constant<int32_t>("b", {4}, biases, quantized(0.01f / 128, 0));
//   const int32_t y = b.op(OpCode::Conv2D, {x, w, bias}, Conv2DOptions{.stride_w = 2, .stride_h = 2},
//                          {"y", {1, 4, 4, 4}, DataType::UInt8, quantized(0.05f, 3)});
//   b.output(y);
//   Model model = b.build();
//
// The builder checks what it does itself (sizes of constants, indices); whether shapes, types and options make sense is
// not its business, so that wrong networks can be made too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/model.h"

namespace octet {

/// One scale and zero point for the whole tensor.
Quantization quantized(float scale, int64_t zero_point);
/// A scale for each index along `axis`, zero points 0.
Quantization quantized(std::vector<float> scales, int32_t axis);

/// The element type of a C++ type.
template <typename T>
inline constexpr DataType kDataTypeOf = DataType::Resource;  // no plain values
template <>
inline constexpr DataType kDataTypeOf<uint8_t> = DataType::UInt8;
template <>
inline constexpr DataType kDataTypeOf<int8_t> = DataType::Int8;
template <>
inline constexpr DataType kDataTypeOf<int16_t> = DataType::Int16;
template <>
inline constexpr DataType kDataTypeOf<int32_t> = DataType::Int32;
template <>
inline constexpr DataType kDataTypeOf<int64_t> = DataType::Int64;
template <>
inline constexpr DataType kDataTypeOf<float> = DataType::Float32;
template <>
inline constexpr DataType kDataTypeOf<bool> = DataType::Bool;

/// An activation to be made.
struct TensorSpec {
  std::string name;
  std::vector<int32_t> shape;
  DataType type = DataType::Float32;
  Quantization quantization = {};
};

class ModelBuilder {
 public:
  explicit ModelBuilder(std::string name, std::string description = "");

  // Tensors. Each call returns the new tensor's index.

  /// An activation that the caller fills.
  int32_t input(TensorSpec spec);
  /// An activation that nobody reads or writes yet.
  int32_t activation(TensorSpec spec);
  /// A constant, whose values are copied. Throws ModelError where their number is not the shape's.
  template <typename T>
  int32_t constant(std::string name, std::vector<int32_t> shape, std::span<const std::type_identity_t<T>> values,
                   Quantization quantization = {}) {
    static_assert(kDataTypeOf<T> != DataType::Resource, "no element type of the file format");
    return constant(TensorSpec{std::move(name), std::move(shape), kDataTypeOf<T>, std::move(quantization)},
                    std::as_bytes(values));
  }
  template <typename T>
  int32_t constant(std::string name, std::vector<int32_t> shape, std::initializer_list<std::type_identity_t<T>> values,
                   Quantization quantization = {}) {
    return constant<T>(std::move(name), std::move(shape), std::span<const T>(values.begin(), values.size()),
                       std::move(quantization));
  }
  /// The same from little-endian bytes. Throws ModelError where their number is not the shape's.
  int32_t constant(TensorSpec spec, std::span<const std::byte> bytes);
  /// Any tensor, unchecked; its data must point into memory that outlives the model: see keep().
  int32_t add_tensor(Tensor tensor);
  /// A copy of the bytes that lives as long as the model, aligned for every element type.
  std::span<const std::byte> keep(std::span<const std::byte> bytes);

  // Operators, in execution order.

  /// An operator with one output, which is made; returns its index. Its version is operator_version()'s. An input of -1
  /// is an absent optional one. Throws ModelError for other indices that are no tensor's.
  int32_t op(OpCode code, std::vector<int32_t> inputs, Options options, TensorSpec output);
  /// One without options.
  int32_t op(OpCode code, std::vector<int32_t> inputs, TensorSpec output);
  /// One with any number of outputs.
  std::vector<int32_t> op(OpCode code, std::vector<int32_t> inputs, Options options, std::vector<TensorSpec> outputs);
  /// A custom operator; `options` are the bytes that its kernel parses.
  std::vector<int32_t> custom_op(std::string name, std::vector<int32_t> inputs, std::span<const std::byte> options,
                                 std::vector<TensorSpec> outputs);
  /// Any operator as it is, unchecked.
  void add_operator(Operator op);

  /// Marks a tensor as an output of the model.
  void output(int32_t tensor);

  const Tensor& tensor(int32_t index) const;
  /// To be changed in place. References end with the next tensor that is added.
  Tensor& tensor(int32_t index);

  /// The model so far. The builder may go on; models share the constants' bytes.
  Model build() const;

 private:
  struct Storage;

  void check_exists(int32_t tensor, const std::string& reader) const;
  void add_made(Operator op, std::vector<TensorSpec> outputs);

  Model model_;
  std::shared_ptr<Storage> storage_;
};

/// The version that a file gives the operator, i.e. the oldest TensorFlow Lite release that runs it on these types: its
/// tensors in file order, absent ones null.
int32_t operator_version(OpCode code, const Options& options, std::span<const Tensor* const> inputs,
                         std::span<const Tensor* const> outputs);

/// Extent of a convolution's or pool's output along one axis; 0 where a VALID window does not fit.
int32_t window_output(int32_t input, int32_t filter, int32_t stride, Padding padding, int32_t dilation = 1);

}  // namespace octet
