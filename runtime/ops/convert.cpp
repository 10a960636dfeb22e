// QUANTIZE from float, DEQUANTIZE, CAST. Floating point must not be contracted here.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

int32_t zero_point_of(const Tensor& tensor) { return static_cast<int32_t>(tensor.quantization.zero_point.at(0)); }

/// Adds a step that runs body(in, out, elements) over parts of the tensors.
template <typename In, typename Out, typename Body>
void add_step(const Node& node, PlanBuilder& builder, std::string kernel, Body body) {
  Step step = builder.step_for(node, std::move(kernel));
  const int64_t count = element_count(builder.tensor(node.outputs[0]).shape);
  step.run = [body, count, in = node.inputs[0], out = node.outputs[0]](const RunContext& context) {
    const In* const from = context.data<const In>(in);
    Out* const to = context.data<Out>(out);
    context.pool.parallel_for(count, kGrainElements,
                              [&](int64_t begin, int64_t end) { body(from + begin, to + begin, end - begin); });
  };
  builder.add(std::move(step));
}

// ---- QUANTIZE

/// Rounded to nearest, halves away from zero; for |x| < 2^22. Unlike std::round it vectorizes.
int32_t rounded(float x) {
  constexpr float kBelowHalf = 0x1.fffffep-2F;  // of the numbers just below 1/2 none may round up
  return static_cast<int32_t>(x + std::copysign(kBelowHalf, x));
}

/// clamp(round(f / S) + Z); beyond the range, infinities included, the end of the range; NaN gives Z.
template <typename T>
void quantize(const float* in, T* out, int64_t count, float scale, int32_t zero_point) {
  constexpr int32_t kLo = std::numeric_limits<T>::min();
  constexpr int32_t kHi = std::numeric_limits<T>::max();
  for (int64_t i = 0; i < count; ++i) {
    const float steps = in[i] / scale;
    const float number = std::isnan(steps) ? 0.0F : steps;
    const float within = std::clamp(number, -1024.0F, 1024.0F);
    out[i] = static_cast<T>(std::clamp(rounded(within) + zero_point, kLo, kHi));
  }
}

template <typename T>
void plan_quantize(const Node& node, PlanBuilder& builder) {
  const Tensor& tensor = builder.tensor(node.outputs[0]);
  add_step<float, T>(node, builder, kernel_name("quantize_f32", tensor.type),
                     [scale = tensor.quantization.scale.at(0), zero_point = zero_point_of(tensor)](
                         const float* in, T* out, int64_t count) { quantize(in, out, count, scale, zero_point); });
}

// ---- DEQUANTIZE

template <typename T>
void plan_dequantize(const Node& node, PlanBuilder& builder) {
  const Tensor& tensor = builder.tensor(node.inputs[0]);
  // The 256 values that there are.
  auto* const table = builder.keep<float>(256);
  const double scale = tensor.quantization.scale.at(0);
  for (int32_t q = std::numeric_limits<T>::min(); q <= std::numeric_limits<T>::max(); ++q) {
    table[static_cast<uint8_t>(q)] = static_cast<float>(scale * (q - zero_point_of(tensor)));
  }
  add_step<uint8_t, float>(node, builder, kernel_name("dequantize", tensor.type),
                           [table](const uint8_t* in, float* out, int64_t count) {
                             for (int64_t i = 0; i < count; ++i) out[i] = table[in[i]];
                           });
}

// ---- CAST

/// One stored byte of a BOOL.
enum class Boolean : uint8_t {};

/// A float as int64: towards zero, saturated, NaN as 0.
template <typename Float>
int64_t truncated(Float x) {
  constexpr Float kTooLarge = 9223372036854775808.0;  // 2^63
  if (std::isnan(x)) return 0;
  if (x >= kTooLarge) return std::numeric_limits<int64_t>::max();
  if (x < -kTooLarge) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(x);
}

/// Floats become integers by way of int64; integers wrap; anything but 0 is true.
template <typename Out, typename In>
Out cast(In value) {
  if constexpr (std::is_same_v<In, Boolean>) {
    return cast<Out>(static_cast<uint8_t>(value == Boolean{0} ? 0 : 1));
  } else if constexpr (std::is_same_v<Out, Boolean>) {
    return Boolean{static_cast<uint8_t>(value != In{0} ? 1 : 0)};
  } else if constexpr (std::is_floating_point_v<In> && std::is_integral_v<Out>) {
    return static_cast<Out>(truncated(value));
  } else {
    return static_cast<Out>(value);
  }
}

/// Calls f with a value of the C++ type.
template <typename F>
void with_type(DataType type, F f) {
  switch (type) {
    case DataType::UInt8:
      return f(uint8_t{});
    case DataType::Int8:
      return f(int8_t{});
    case DataType::UInt16:
      return f(uint16_t{});
    case DataType::Int16:
      return f(int16_t{});
    case DataType::UInt32:
      return f(uint32_t{});
    case DataType::Int32:
      return f(int32_t{});
    case DataType::UInt64:
      return f(uint64_t{});
    case DataType::Int64:
      return f(int64_t{});
    case DataType::Bool:
      return f(Boolean{});
    case DataType::Float32:
      return f(float{});
    case DataType::Float64:
      return f(double{});
    default:
      throw ModelError("CAST on " + std::string(name_of(type)) + " is not supported");
  }
}

/// The type that the file has for what is stored as `type`.
DataType type_in_file(DataType type, int32_t offset) {
  if (offset == 0) return type;
  return type == DataType::UInt8 ? DataType::Int8 : DataType::UInt8;
}

template <typename T>
T flipped(T value, uint8_t mask) {
  if constexpr (sizeof(T) == 1) return static_cast<T>(static_cast<uint8_t>(value) ^ mask);
  return value;
}

void plan_cast(const Convert& op, const Node& node, PlanBuilder& builder) {
  const DataType in_type = builder.tensor(node.inputs[0]).type;
  const DataType out_type = builder.tensor(node.outputs[0]).type;
  const auto in_mask = static_cast<uint8_t>(op.offset_in == 0 ? 0 : 0x80);
  const auto out_mask = static_cast<uint8_t>(op.offset_out == 0 ? 0 : 0x80);
  with_type(type_in_file(in_type, op.offset_in), [&](auto in_value) {
    with_type(type_in_file(out_type, op.offset_out), [&](auto out_value) {
      using In = decltype(in_value);
      using Out = decltype(out_value);
      add_step<In, Out>(node, builder, kernel_name(kernel_name("cast", in_type), out_type),
                        [in_mask, out_mask](const In* in, Out* out, int64_t count) {
                          for (int64_t i = 0; i < count; ++i) {
                            out[i] = flipped(cast<Out>(flipped(in[i], in_mask)), out_mask);
                          }
                        });
    });
  });
}

}  // namespace

void plan(const Convert& op, const Node& node, PlanBuilder& builder) {
  switch (op.kind) {
    case Convert::Kind::Quantize:
      if (builder.tensor(node.outputs[0]).type == DataType::UInt8) return plan_quantize<uint8_t>(node, builder);
      return plan_quantize<int8_t>(node, builder);
    case Convert::Kind::Dequantize:
      if (builder.tensor(node.inputs[0]).type == DataType::UInt8) return plan_dequantize<uint8_t>(node, builder);
      return plan_dequantize<int8_t>(node, builder);
    case Convert::Kind::Cast:
      return plan_cast(op, node, builder);
  }
}

}  // namespace octet
