// ADD, SUB, MUL: two operands that broadcast to one shape.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

/// values[i] = f(a at i, b at i), both operands broadcast to the output's shape.
template <class V, class F>
std::vector<V> broadcast(Context& context, const std::vector<V>& a, const std::vector<V>& b, F f) {
  const Shape shape = broadcast_shape(context, context.shape(0), context.shape(1));
  context.require_output_shape(0, shape);
  const std::vector<int64_t> ia = broadcast_indices(context.shape(0), shape);
  const std::vector<int64_t> ib = broadcast_indices(context.shape(1), shape);
  std::vector<V> values(ia.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = f(a[ia[i]], b[ib[i]]);
  return values;
}

/// FLOAT32 and INT32: f in the type itself (INT32 wraps), then the activation's clamp.
template <class F>
void unquantized(Context& context, F f) {
  const Activation activation = context.options<ElementwiseOptions>().activation;
  if (context.output().type == DataType::Float32) {
    const FloatRange range = float_range(context, activation);
    context.write(0, broadcast(context, context.read<float>(0), context.read<float>(1),
                               [&](float a, float b) { return range.clamp(f(a, b)); }));
  } else if (context.output().type == DataType::Int32) {
    const Range range = int32_range(context, activation);
    context.write(0, broadcast(context, context.read<int32_t>(0), context.read<int32_t>(1), [&](int32_t a, int32_t b) {
                    return range.clamp(wrap_to_int32(f(int64_t{a}, int64_t{b})));
                  }));
  } else {
    context.fail("supports UINT8, INT8, INT32 and FLOAT32 only");
  }
}

/// Both operands go to the scale 2 max(S1, S2) / 2^20, are added there, and go to the output's scale.
void add_or_sub(Context& context, int32_t sign) {
  const float s1 = context.scale(context.input(0)), s2 = context.scale(context.input(1));
  const double twice = 2.0 * std::max(double{s1}, double{s2});
  const Multiplier m1 = context.multiplier(double{s1} / twice);
  const Multiplier m2 = context.multiplier(double{s2} / twice);
  const Multiplier m_out = context.multiplier(twice / (1048576.0 * double{context.scale(context.output())}));
  const Range range = quantized_range(context, context.options<ElementwiseOptions>().activation, context.output());
  const int32_t zero = context.zero_point(context.output());
  context.write_quantized(
      0, broadcast(context, context.read_quantized(0), context.read_quantized(1), [&](int32_t a, int32_t b) {
        const int32_t sum = mbqm(a * (1 << 20), m1) + sign * mbqm(b * (1 << 20), m2);
        return range.clamp(wrap_to_int32(int64_t{mbqm(sum, m_out)} + zero));
      }));
}

}  // namespace

void add(Context& context) {
  context.require_one_type();
  if (is_8_bit(context.output().type)) return add_or_sub(context, 1);
  unquantized(context, [](auto a, auto b) { return a + b; });
}

void sub(Context& context) {
  context.require_one_type();
  if (is_8_bit(context.output().type)) return add_or_sub(context, -1);
  unquantized(context, [](auto a, auto b) { return a - b; });
}

void mul(Context& context) {
  context.require_one_type();
  if (!is_8_bit(context.output().type)) return unquantized(context, [](auto a, auto b) { return a * b; });
  // The scales' product and quotient are both taken in float.
  const float product = context.scale(context.input(0)) * context.scale(context.input(1));
  const Multiplier m = context.multiplier(double{product / context.scale(context.output())});
  const Range range = quantized_range(context, context.options<ElementwiseOptions>().activation, context.output());
  const int32_t zero = context.zero_point(context.output());
  context.write_quantized(
      0, broadcast(context, context.read_quantized(0), context.read_quantized(1),
                   [&](int32_t a, int32_t b) { return range.clamp(wrap_to_int32(int64_t{mbqm(a * b, m)} + zero)); }));
}

}  // namespace octet::reference
