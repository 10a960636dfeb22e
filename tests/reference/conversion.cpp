// QUANTIZE, DEQUANTIZE, CAST: from one element type to another.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

/// The scale and zero point of every element of a tensor quantized per tensor or per channel.
template <class F>
void with_parameters(const Context& context, const Tensor& tensor, size_t elements, F f) {
  const Quantization& q = tensor.quantization;
  if (q.scale.size() == 1) {
    const float scale = context.scale(tensor);
    const int32_t zero = context.zero_point(tensor);
    for (size_t i = 0; i < elements; ++i) f(i, scale, zero);
    return;
  }
  const size_t axis = context.axis(q.axis, tensor.shape.size());
  const auto channels = static_cast<size_t>(tensor.shape[axis]);
  context.require(q.scale.size() == channels && q.zero_point.size() == channels, "wants one scale a channel");
  const auto inner = static_cast<size_t>(product(tensor.shape, axis + 1, tensor.shape.size()));
  for (size_t i = 0; i < elements; ++i) {
    const size_t channel = i / inner % channels;
    f(i, q.scale[channel], static_cast<int32_t>(q.zero_point[channel]));
  }
}

/// From any number to any number, as C converts; where C leaves it undefined (a float beyond the type) the value is cut
/// to int64 first, and NaN is 0.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
    if (std::isnan(x)) return 0;
    if (x >= static_cast<From>(9223372036854775807.0)) return static_cast<To>(std::numeric_limits<int64_t>::max());
    if (x <= static_cast<From>(-9223372036854775808.0)) return static_cast<To>(std::numeric_limits<int64_t>::min());
    return static_cast<To>(static_cast<int64_t>(x));
  } else {
    return static_cast<To>(x);
  }
}

/// Calls f with a value of the C++ type that stands for a tensor's. BOOL comes as bool.
template <class F>
void with_type(const Context& context, DataType type, F f) {
  switch (type) {
    case DataType::Float32:
      return f(float{});
    case DataType::Float64:
      return f(double{});
    case DataType::Int8:
      return f(int8_t{});
    case DataType::UInt8:
      return f(uint8_t{});
    case DataType::Int16:
      return f(int16_t{});
    case DataType::UInt16:
      return f(uint16_t{});
    case DataType::Int32:
      return f(int32_t{});
    case DataType::UInt32:
      return f(uint32_t{});
    case DataType::Int64:
      return f(int64_t{});
    case DataType::UInt64:
      return f(uint64_t{});
    case DataType::Bool:
      return f(bool{});
    default:
      context.fail("does not support " + std::string(name_of(type)));
  }
}

}  // namespace

void quantize(Context& context) {
  context.require_output_shape(0, context.shape(0));
  const Tensor& in = context.input(0);
  const Tensor& out = context.output();
  context.require(is_8_bit(out.type), "supports UINT8 and INT8 outputs only");
  const Range range = range_of(out.type);
  if (in.type == DataType::Float32) {
    const std::vector<float> values = context.read<float>(0);
    std::vector<int32_t> result(values.size());
    with_parameters(context, out, values.size(), [&](size_t i, float scale, int32_t zero) {
      // Values far outside the type are cut first, so that the sum is defined; NaN becomes the zero point.
      const float steps = std::isnan(values[i]) ? 0.0f : std::round(values[i] / scale);
      result[i] = range.clamp(static_cast<int32_t>(std::clamp(steps, -1e6f, 1e6f)) + zero);
    });
    return context.write_quantized(0, result);
  }
  const Multiplier m = context.multiplier(double{context.scale(in)} / double{context.scale(out)});
  const int32_t zero = context.zero_point(out);
  std::vector<int32_t> values = context.read_quantized(0);
  for (int32_t& value : values) value = range.clamp(wrap_to_int32(int64_t{mbqm(value, m)} + zero));
  context.write_quantized(0, values);
}

void dequantize(Context& context) {
  context.require_output_shape(0, context.shape(0));
  context.require(context.output().type == DataType::Float32, "wants a FLOAT32 output");
  const std::vector<int32_t> values = context.read_8_bit(0);
  std::vector<float> result(values.size());
  with_parameters(context, context.input(0), values.size(), [&](size_t i, float scale, int32_t zero) {
    result[i] = scale * static_cast<float>(values[i] - zero);
  });
  context.write(0, result);
}

void cast(Context& context) {
  context.require_output_shape(0, context.shape(0));
  with_type(context, context.input(0).type, [&](auto from) {
    with_type(context, context.output().type, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      // A BOOL is a byte in memory, and std::vector<bool> is not.
      using FromMemory = std::conditional_t<std::is_same_v<From, bool>, uint8_t, From>;
      using ToMemory = std::conditional_t<std::is_same_v<To, bool>, uint8_t, To>;
      std::vector<ToMemory> result;
      for (const FromMemory x : context.read<FromMemory>(0)) {
        const From value = std::is_same_v<From, bool> ? static_cast<From>(x != 0) : static_cast<From>(x);
        if constexpr (std::is_same_v<To, bool>) {
          result.push_back(value != From{} ? 1 : 0);
        } else {
          result.push_back(convert<To>(value));
        }
      }
      context.write(0, result);
    });
  });
}

}  // namespace octet::reference
