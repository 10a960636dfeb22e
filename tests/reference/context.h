// What an operator of the reference sees of the network: its tensors' descriptions, their contents as plain vectors,
// its options; and the few rules that several operators share (activation ranges, padding, broadcasting).
//
// 8-bit tensors are read into vectors of int32, so that no operator is written once per type: `read_quantized` gives
// q - Z, and `write_quantized` takes final values (zero point added, clamped).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "models/model.h"
#include "tests/reference/fixed_point.h"

namespace octet::reference {

using Shape = std::vector<int32_t>;

/// The inclusive range of final values.
struct Range {
  int32_t low, high;

  int32_t clamp(int32_t x) const { return x < low ? low : x > high ? high : x; }
};

/// Where an element that is moved comes from: an element of one of the operator's inputs, or the fill value.
struct Source {
  static constexpr size_t fill = static_cast<size_t>(-1);
  size_t input = fill;
  int64_t element = 0;
};

class Context {
 public:
  Context(const Model& model, const Operator& op, std::vector<std::vector<std::byte>>& contents)
      : model_(model), op_(op), contents_(contents) {}

  OpCode code() const { return op_.code; }
  size_t input_count() const { return op_.inputs.size(); }
  size_t output_count() const { return op_.outputs.size(); }
  bool has_input(size_t i) const { return i < op_.inputs.size() && op_.inputs[i] >= 0; }
  const Tensor& input(size_t i) const;
  const Tensor& output(size_t i = 0) const;
  const Shape& shape(size_t i) const { return input(i).shape; }

  template <class O>
  const O& options() const {
    if (const O* options = std::get_if<O>(&op_.options)) return *options;
    fail("has no options, or options of another operator");
  }

  /// Contents of input i as elements of T, whose size must be the tensor's element size.
  template <class T>
  std::vector<T> read(size_t i) const {
    const std::span<const std::byte> bytes = input_bytes(i);
    std::vector<T> elements(bytes.size() / sizeof(T));
    require(elements.size() * sizeof(T) == bytes.size(), "reads an input in elements of another size");
    if (!bytes.empty()) std::memcpy(elements.data(), bytes.data(), bytes.size());
    return elements;
  }
  std::span<const std::byte> input_bytes(size_t i) const;
  /// q - Z of an 8-bit input with one scale, or q of an 8-bit input as it is.
  std::vector<int32_t> read_quantized(size_t i) const;
  std::vector<int32_t> read_8_bit(size_t i) const;
  /// Axes, shapes, sizes: an INT32 or INT64 input.
  std::vector<int64_t> read_integers(size_t i) const;
  /// The same, where one value is meant: an axis.
  int64_t read_integer(size_t i) const;

  template <class T>
  void write(size_t i, const std::vector<T>& elements) {
    std::vector<std::byte>& bytes = output_bytes(i);
    require(elements.size() * sizeof(T) == bytes.size(), "computes a result of another size than its output's");
    if (!bytes.empty()) std::memcpy(bytes.data(), elements.data(), bytes.size());
  }
  void write_quantized(size_t i, const std::vector<int32_t>& values);
  /// Writes output i by moving bytes, of any type with a fixed size: source(index) says where each element comes from.
  template <class F>
  void move(size_t i, F source, std::span<const std::byte> fill = {});

  [[noreturn]] void fail(const std::string& what) const;
  void require(bool condition, const char* what) const {
    if (!condition) fail(what);
  }
  void require_rank(const Tensor& tensor, size_t rank) const;
  void require_output_shape(size_t i, const Shape& expected) const;
  void require_one_type() const;           // every input's type is the first output's
  void require_same_type(size_t i) const;  // input i's type is the first output's

  /// quantize_multiplier(d), where d may come from any scales.
  Multiplier multiplier(double d) const;
  /// Scale and zero point of a tensor that has one of each.
  float scale(const Tensor& tensor) const;
  int32_t zero_point(const Tensor& tensor) const;

  /// An axis as an index below `rank`.
  size_t axis(int64_t axis, size_t rank) const;

 private:
  std::vector<std::byte>& output_bytes(size_t i);

  const Model& model_;
  const Operator& op_;
  std::vector<std::vector<std::byte>>& contents_;
};

bool is_8_bit(DataType type);
/// All values of an 8-bit type.
Range range_of(DataType type);

/// Activations as clamps. TANH and SIGN_BIT are not clamps, no TensorFlow Lite kernel fuses them; they fail.
struct FloatRange {
  float low, high;

  float clamp(float x) const { return x < low ? low : x > high ? high : x; }
};
FloatRange float_range(const Context& context, Activation activation);
Range int32_range(const Context& context, Activation activation);
/// In the quantized values of an 8-bit tensor.
Range quantized_range(const Context& context, Activation activation, const Tensor& tensor);

/// One spatial axis of a convolution or a pooling: output o, tap k reads input o * stride - before + k * dilation.
struct Window {
  int64_t stride, dilation, before;
  int32_t taps, output;  // counts

  int64_t input(int64_t o, int64_t k) const { return o * stride - before + k * dilation; }
};
Window window(const Context& context, Padding padding, int32_t input, int32_t taps, int32_t stride, int32_t dilation);

/// Elements between neighbours along each axis of a dense tensor.
std::vector<int64_t> strides_of(const Shape& shape);
/// Calls f(index) for every index of the shape, the last axis fastest; index is a vector of int32 as long as the shape.
template <class F>
void for_each_index(const Shape& shape, F f) {
  Shape index(shape.size());
  for (const int32_t extent : shape) {
    if (extent == 0) return;
  }
  while (true) {
    f(index);
    size_t axis = shape.size();
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}
/// The product of extents [first, last).
int64_t product(const Shape& shape, size_t first, size_t last);

/// The shape two operands broadcast to.
Shape broadcast_shape(const Context& context, const Shape& a, const Shape& b);
/// For every element of `to`, in order, the element of `from` that it takes.
std::vector<int64_t> broadcast_indices(const Shape& from, const Shape& to);

template <class F>
void Context::move(size_t i, F source, std::span<const std::byte> fill) {
  const size_t size = size_of(output(i).type);
  std::vector<std::span<const std::byte>> inputs;
  for (size_t k = 0; k < input_count(); ++k) inputs.push_back(input_bytes(k));
  std::byte* to = output_bytes(i).data();
  for_each_index(output(i).shape, [&](const Shape& index) {
    const Source from = source(index);
    require(from.input != Source::fill || fill.size() == size, "has a fill value of another type");
    const std::span<const std::byte> bytes = from.input == Source::fill ? fill : inputs.at(from.input);
    std::memcpy(to, bytes.subspan(static_cast<size_t>(from.element) * size, size).data(), size);
    to += size;
  });
}

}  // namespace octet::reference
