#include "tests/reference/context.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::reference {

const Tensor& Context::input(size_t i) const {
  require(has_input(i), "lacks an input");
  return model_.tensors.at(static_cast<size_t>(op_.inputs[i]));
}

const Tensor& Context::output(size_t i) const {
  require(i < op_.outputs.size() && op_.outputs[i] >= 0, "lacks an output");
  return model_.tensors.at(static_cast<size_t>(op_.outputs[i]));
}

std::span<const std::byte> Context::input_bytes(size_t i) const {
  const Tensor& tensor = input(i);
  const std::vector<std::byte>& computed = contents_[static_cast<size_t>(op_.inputs[i])];
  const std::span<const std::byte> bytes = computed.empty() ? tensor.data : std::span<const std::byte>(computed);
  const size_t wanted = static_cast<size_t>(element_count(tensor.shape)) * size_of(tensor.type);
  require(wanted > 0, "reads a tensor whose type has no fixed size");
  if (bytes.size() != wanted) {
    fail("reads tensor '" + tensor.name + "' of " + std::to_string(wanted) + " bytes, which holds " +
         std::to_string(bytes.size()));
  }
  return bytes;
}

std::vector<std::byte>& Context::output_bytes(size_t i) {
  const Tensor& tensor = output(i);
  const size_t size = static_cast<size_t>(element_count(tensor.shape)) * size_of(tensor.type);
  require(size > 0, "writes a tensor whose type has no fixed size");
  std::vector<std::byte>& bytes = contents_[static_cast<size_t>(op_.outputs[i])];
  bytes.resize(size);
  return bytes;
}

std::vector<int32_t> Context::read_8_bit(size_t i) const {
  const DataType type = input(i).type;
  if (type == DataType::UInt8) {
    const std::vector<uint8_t> values = read<uint8_t>(i);
    return {values.begin(), values.end()};
  }
  if (type == DataType::Int8) {
    const std::vector<int8_t> values = read<int8_t>(i);
    return {values.begin(), values.end()};
  }
  fail("is not supported with " + std::string(name_of(type)) + " here");
}

std::vector<int32_t> Context::read_quantized(size_t i) const {
  std::vector<int32_t> values = read_8_bit(i);
  const int32_t zero = zero_point(input(i));
  for (int32_t& value : values) value -= zero;
  return values;
}

std::vector<int64_t> Context::read_integers(size_t i) const {
  const DataType type = input(i).type;
  if (type == DataType::Int64) return read<int64_t>(i);
  require(type == DataType::Int32, "wants INT32 or INT64 for its axes, shapes and sizes");
  const std::vector<int32_t> values = read<int32_t>(i);
  return {values.begin(), values.end()};
}

int64_t Context::read_integer(size_t i) const {
  const std::vector<int64_t> values = read_integers(i);
  require(values.size() == 1, "wants one value where it has several");
  return values[0];
}

void Context::write_quantized(size_t i, const std::vector<int32_t>& values) {
  const DataType type = output(i).type;
  if (type == DataType::UInt8) {
    write(i, std::vector<uint8_t>(values.begin(), values.end()));
  } else if (type == DataType::Int8) {
    write(i, std::vector<int8_t>(values.begin(), values.end()));
  } else {
    fail("is not supported with " + std::string(name_of(type)) + " output here");
  }
}

void Context::fail(const std::string& what) const {
  const auto position = &op_ - model_.operators.data();
  throw ModelError("reference: operator " + std::to_string(position) + " (" + op_.name() + ") " + what);
}

void Context::require_rank(const Tensor& tensor, size_t rank) const {
  if (tensor.shape.size() != rank) {
    fail("wants " + std::to_string(rank) + " dimensions, not " + to_string(tensor.shape));
  }
}

void Context::require_output_shape(size_t i, const Shape& expected) const {
  if (output(i).shape != expected) {
    fail("computes " + to_string(expected) + " where its output says " + to_string(output(i).shape));
  }
}

void Context::require_same_type(size_t i) const {
  require(input(i).type == output().type, "has inputs and outputs of different types");
}

void Context::require_one_type() const {
  for (size_t i = 0; i < input_count(); ++i) require_same_type(i);
}

Multiplier Context::multiplier(double d) const {
  require(std::isfinite(d) && std::abs(d) < 2147483648.0, "has scales that are too far apart");
  return quantize_multiplier(d);
}

float Context::scale(const Tensor& tensor) const {
  require(tensor.quantization.scale.size() == 1, "wants one scale a tensor");
  const float scale = tensor.quantization.scale[0];
  require(scale > 0 && std::isfinite(scale), "wants a positive, finite scale");
  return scale;
}

int32_t Context::zero_point(const Tensor& tensor) const {
  require(tensor.quantization.zero_point.size() == 1, "wants one zero point a tensor");
  const int64_t zero = tensor.quantization.zero_point[0];
  const Range range = range_of(tensor.type);
  require(zero >= range.low && zero <= range.high, "wants a zero point that its type can hold");
  return static_cast<int32_t>(zero);
}

size_t Context::axis(int64_t axis, size_t rank) const {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < 0) axis += signed_rank;
  require(axis >= 0 && axis < signed_rank, "names an axis that its tensor does not have");
  return static_cast<size_t>(axis);
}

bool is_8_bit(DataType type) { return type == DataType::UInt8 || type == DataType::Int8; }

Range range_of(DataType type) { return type == DataType::UInt8 ? Range{0, 255} : Range{-128, 127}; }

FloatRange float_range(const Context& context, Activation activation) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  switch (activation) {
    case Activation::None:
      return {-infinity, infinity};
    case Activation::Relu:
      return {0, infinity};
    case Activation::ReluN1To1:
      return {-1, 1};
    case Activation::Relu6:
      return {0, 6};
    default:
      context.fail("has a fused activation that is not a clamp");
  }
}

Range int32_range(const Context& context, Activation activation) {
  const FloatRange range = float_range(context, activation);
  return {std::isinf(range.low) ? std::numeric_limits<int32_t>::min() : static_cast<int32_t>(range.low),
          std::isinf(range.high) ? std::numeric_limits<int32_t>::max() : static_cast<int32_t>(range.high)};
}

Range quantized_range(const Context& context, Activation activation, const Tensor& tensor) {
  const FloatRange real = float_range(context, activation);
  Range range = range_of(tensor.type);
  // q(f) = Z + round(f / S), the quotient in float.
  const auto quantized = [&](float f) {
    const float steps = std::round(f / context.scale(tensor));
    context.require(std::abs(steps) < 2147483648.0f, "has a scale too small for its fused activation");
    return context.zero_point(tensor) + static_cast<int64_t>(steps);
  };
  // A bound beyond the type leaves the type's; one that excludes the type altogether leaves low > high, and then the
  // upper bound, applied last, wins.
  if (!std::isinf(real.low)) range.low = static_cast<int32_t>(std::max<int64_t>(range.low, quantized(real.low)));
  if (!std::isinf(real.high)) range.high = static_cast<int32_t>(std::min<int64_t>(range.high, quantized(real.high)));
  return range;
}

Window window(const Context& context, Padding padding, int32_t input, int32_t taps, int32_t stride, int32_t dilation) {
  const int64_t extent = (int64_t{taps} - 1) * dilation + 1;
  const int64_t output =
      padding == Padding::Same ? (int64_t{input} + stride - 1) / stride : (int64_t{input} + stride - extent) / stride;
  context.require(output > 0, "has a window larger than its input");
  const int64_t total = std::max<int64_t>(0, (output - 1) * stride + extent - input);
  return {stride, dilation, total / 2, taps, static_cast<int32_t>(output)};
}

std::vector<int64_t> strides_of(const Shape& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

int64_t product(const Shape& shape, size_t first, size_t last) {
  int64_t count = 1;
  for (size_t axis = first; axis < last; ++axis) count *= shape[axis];
  return count;
}

Shape broadcast_shape(const Context& context, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  const auto extent = [&](const Shape& shape, size_t axis) {  // shapes are aligned at their last axes
    const size_t missing = result.size() - shape.size();
    return axis < missing ? 1 : shape[axis - missing];
  };
  for (size_t axis = 0; axis < result.size(); ++axis) {
    const int32_t ea = extent(a, axis), eb = extent(b, axis);
    context.require(ea == eb || ea == 1 || eb == 1, "has operands that do not broadcast to one shape");
    result[axis] = ea == 1 ? eb : ea;
  }
  return result;
}

std::vector<int64_t> broadcast_indices(const Shape& from, const Shape& to) {
  const size_t missing = to.size() - from.size();
  std::vector<int64_t> strides = strides_of(from);
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == 1) strides[axis] = 0;
  }
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(product(to, 0, to.size())));
  for_each_index(to, [&](const Shape& index) {
    int64_t offset = 0;
    for (size_t axis = 0; axis < from.size(); ++axis) offset += index[axis + missing] * strides[axis];
    indices.push_back(offset);
  });
  return indices;
}

}  // namespace octet::reference
