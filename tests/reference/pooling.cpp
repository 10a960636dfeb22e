// AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, ARG_MAX: reductions.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

/// out = reduce(sum or max's start, taps...): calls `start()`, then `add(accumulator, value)` for every value inside
/// the image, then `finish(accumulator, taps inside)`.
template <class V, class Start, class Add, class Finish>
std::vector<V> pool(Context& context, const std::vector<V>& in, Start start, Add add, Finish finish) {
  const auto& options = context.options<PoolOptions>();
  context.require_same_type(0);
  context.require_rank(context.input(0), 4);
  const Shape& shape = context.shape(0);
  const Window wy = window(context, options.padding, shape[1], options.filter_h, options.stride_h, 1);
  const Window wx = window(context, options.padding, shape[2], options.filter_w, options.stride_w, 1);
  const Shape out_shape{shape[0], wy.output, wx.output, shape[3]};
  context.require_output_shape(0, out_shape);
  const std::vector<int64_t> strides = strides_of(shape);
  std::vector<V> out;
  for_each_index(out_shape, [&](const Shape& index) {
    V accumulator = start();
    int32_t count = 0;
    for (int64_t ky = 0; ky < wy.taps; ++ky) {
      const int64_t iy = wy.input(index[1], ky);
      if (iy < 0 || iy >= shape[1]) continue;
      for (int64_t kx = 0; kx < wx.taps; ++kx) {
        const int64_t ix = wx.input(index[2], kx);
        if (ix < 0 || ix >= shape[2]) continue;
        accumulator = add(accumulator, in[index[0] * strides[0] + iy * strides[1] + ix * strides[2] + index[3]]);
        ++count;
      }
    }
    out.push_back(finish(accumulator, count));
  });
  return out;
}

/// Pooling does not rescale. Scales as old converters wrote them may differ in their last digits.
void require_one_scale(const Context& context) {
  const Tensor& in = context.input(0);
  const Tensor& out = context.output();
  context.require(
      std::abs(context.scale(in) - context.scale(out)) <= 1e-6f && context.zero_point(in) == context.zero_point(out),
      "wants its input's scale and zero point for its output");
}

}  // namespace

void average_pool_2d(Context& context) {
  const Activation activation = context.options<PoolOptions>().activation;
  const DataType type = context.input(0).type;
  if (type == DataType::Float32) {
    const FloatRange range = float_range(context, activation);
    return context.write(
        0, pool(
               context, context.read<float>(0), [] { return 0.0f; }, [](float sum, float x) { return sum + x; },
               [&](float sum, int32_t n) { return range.clamp(sum / static_cast<float>(n)); }));
  }
  const std::vector<int32_t> in = context.read_8_bit(0);
  require_one_scale(context);
  const Range range = quantized_range(context, activation, context.output());
  context.write_quantized(0, pool(
                                 context, in, [] { return 0; }, [](int32_t sum, int32_t x) { return sum + x; },
                                 [&](int32_t sum, int32_t n) {  // sums of values as stored, halves away from zero
                                   return range.clamp((sum > 0 ? sum + n / 2 : sum - n / 2) / n);
                                 }));
}

void max_pool_2d(Context& context) {
  const Activation activation = context.options<PoolOptions>().activation;
  const auto larger = [](auto a, auto b) { return std::max(a, b); };
  if (context.input(0).type == DataType::Float32) {
    const FloatRange range = float_range(context, activation);
    return context.write(0, pool(
                                context, context.read<float>(0), [] { return std::numeric_limits<float>::lowest(); },
                                larger, [&](float x, int32_t) { return range.clamp(x); }));
  }
  const std::vector<int32_t> in = context.read_8_bit(0);
  require_one_scale(context);
  const Range range = quantized_range(context, activation, context.output());
  context.write_quantized(0, pool(
                                 context, in, [] { return std::numeric_limits<int32_t>::min(); }, larger,
                                 [&](int32_t x, int32_t) { return range.clamp(x); }));
}

void mean(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  std::set<size_t> axes;
  for (const int64_t axis : context.read_integers(1)) axes.insert(context.axis(axis, shape.size()));
  int64_t count = 1;
  Shape kept = shape, squeezed;  // the result's shape with reduced axes of extent 1, and without them
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axes.contains(axis)) {
      count *= shape[axis];
      kept[axis] = 1;
    } else {
      squeezed.push_back(shape[axis]);
    }
  }
  context.require_output_shape(0, context.options<MeanOptions>().keep_dims ? kept : squeezed);
  // Where each input element is added: broadcasting backwards.
  const std::vector<int64_t> into = broadcast_indices(kept, shape);
  const auto results = static_cast<size_t>(product(kept, 0, kept.size()));

  if (context.input(0).type == DataType::Float32) {
    const std::vector<float> in = context.read<float>(0);
    std::vector<float> sums(results);
    for (size_t i = 0; i < in.size(); ++i) sums[into[i]] += in[i];
    for (float& sum : sums) sum /= static_cast<float>(count);
    return context.write(0, sums);
  }
  const std::vector<int32_t> in = context.read_quantized(0);
  std::vector<int64_t> sums(results);
  for (size_t i = 0; i < in.size(); ++i) sums[into[i]] += in[i];
  // 1 / count goes into the multiplier, as far as its shift leaves room.
  Multiplier m = context.multiplier(double{context.scale(context.input(0))} / double{context.scale(context.output())});
  const int shift = std::min({63 - std::countl_zero(static_cast<uint64_t>(count)), 32, 31 + m.exponent});
  m = {static_cast<int32_t>((int64_t{m.mantissa} << shift) / count), m.exponent - shift};
  const Range range = range_of(context.output().type);
  const int32_t zero = context.zero_point(context.output());
  std::vector<int32_t> out;
  for (const int64_t sum : sums) {
    out.push_back(range.clamp(wrap_to_int32(int64_t{mbqm(wrap_to_int32(sum), m)} + zero)));
  }
  context.write_quantized(0, out);
}

namespace {

template <class T>
std::vector<int64_t> first_of_largest(const std::vector<T>& in, const Shape& shape, size_t axis) {
  const auto extent = static_cast<size_t>(shape[axis]);
  const auto inner = static_cast<size_t>(product(shape, axis + 1, shape.size()));
  std::vector<int64_t> result;
  for (size_t outer = 0; outer < in.size(); outer += extent * inner) {
    for (size_t i = 0; i < inner; ++i) {
      size_t best = 0;
      for (size_t k = 1; k < extent; ++k) {
        if (in[outer + k * inner + i] > in[outer + best * inner + i]) best = k;
      }
      result.push_back(static_cast<int64_t>(best));
    }
  }
  return result;
}

}  // namespace

void arg_max(Context& context) {
  const Shape& shape = context.shape(0);
  const size_t axis = context.axis(context.read_integer(1), shape.size());
  Shape expected = shape;
  expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(axis));
  context.require_output_shape(0, expected);
  std::vector<int64_t> result;
  switch (context.input(0).type) {
    case DataType::UInt8:
    case DataType::Int8:
      result = first_of_largest(context.read_8_bit(0), shape, axis);
      break;
    case DataType::Int32:
      result = first_of_largest(context.read<int32_t>(0), shape, axis);
      break;
    case DataType::Float32:
      result = first_of_largest(context.read<float>(0), shape, axis);
      break;
    default:
      context.fail("supports UINT8, INT8, INT32 and FLOAT32 only");
  }
  if (context.output().type == DataType::Int64) return context.write(0, result);
  context.require(context.output().type == DataType::Int32, "wants an INT32 or INT64 output");
  context.write(0, std::vector<int32_t>(result.begin(), result.end()));
}

}  // namespace octet::reference
