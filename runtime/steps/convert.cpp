// QUANTIZE from float, DEQUANTIZE, CAST. Floating point must not be contracted here.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

/// Runs body(in, out, elements) over parts of the tensors.
template <typename In, typename Out, typename Body>
void for_parts(int32_t in, int32_t out, int64_t count, const RunContext& context, const Body& body) {
  const In* const from = context.data<const In>(in);
  Out* const to = context.data<Out>(out);
  context.pool.parallel_for(count, kGrainElements,
                            [&](int64_t begin, int64_t end) { body(from + begin, to + begin, end - begin); });
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
void run_quantize(const QuantizeStep& step, const RunContext& context) {
  for_parts<float, T>(step.input, step.output, step.count, context, [&](const float* in, T* out, int64_t count) {
    quantize(in, out, count, step.scale, step.zero_point);
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

/// Calls f with a value of the C++ type; false where there is none.
template <typename F>
bool with_type(DataType type, F f) {
  switch (type) {
    case DataType::UInt8:
      return f(uint8_t{}), true;
    case DataType::Int8:
      return f(int8_t{}), true;
    case DataType::UInt16:
      return f(uint16_t{}), true;
    case DataType::Int16:
      return f(int16_t{}), true;
    case DataType::UInt32:
      return f(uint32_t{}), true;
    case DataType::Int32:
      return f(int32_t{}), true;
    case DataType::UInt64:
      return f(uint64_t{}), true;
    case DataType::Int64:
      return f(int64_t{}), true;
    case DataType::Bool:
      return f(Boolean{}), true;
    case DataType::Float32:
      return f(float{}), true;
    case DataType::Float64:
      return f(double{}), true;
    default:
      return false;
  }
}

template <typename T>
T flipped(T value, uint8_t mask) {
  if constexpr (sizeof(T) == 1) return static_cast<T>(static_cast<uint8_t>(value) ^ mask);
  return value;
}

}  // namespace

void run(const QuantizeStep& step, const RunContext& context) {
  if (step.type == DataType::UInt8) {
    run_quantize<uint8_t>(step, context);
  } else {
    run_quantize<int8_t>(step, context);
  }
}

void run(const DequantizeStep& step, const RunContext& context) {
  const float* const table = context.constant(step.table);
  for_parts<uint8_t, float>(step.input, step.output, step.count, context,
                            [&](const uint8_t* in, float* out, int64_t count) {
                              for (int64_t i = 0; i < count; ++i) out[i] = table[in[i]];
                            });
}

void run(const CastStep& step, const RunContext& context) {
  with_type(step.from, [&](auto in_value) {
    with_type(step.to, [&](auto out_value) {
      using In = decltype(in_value);
      using Out = decltype(out_value);
      const uint8_t in_mask = step.in_mask, out_mask = step.out_mask;
      for_parts<In, Out>(step.input, step.output, step.count, context, [=](const In* in, Out* out, int64_t count) {
        for (int64_t i = 0; i < count; ++i) out[i] = flipped(cast<Out>(flipped(in[i], in_mask)), out_mask);
      });
    });
  });
}

bool is_castable(DataType type) {
  return with_type(type, [](auto) {});
}

}  // namespace octet
