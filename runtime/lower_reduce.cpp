// AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SOFTMAX, L2_NORMALIZATION, ARG_MAX.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "runtime/fixed_point.h"
#include "runtime/lower.h"

namespace octet {
namespace {

void lower_pool(OpLowering& l, Pool::Kind kind) {
  const auto& options = l.options<PoolOptions>();
  const Tensor& input = l.input();
  l.require_rank(input, 4);
  const std::array<int32_t, 4> sizes{options.stride_w, options.stride_h, options.filter_w, options.filter_h};
  l.require(*std::ranges::min_element(sizes) >= 1, "strides and filter sizes must be at least 1");
  const Scale in = l.scale_of(input);
  const Scale out = l.scale_of(l.output());
  l.require(
      std::abs(in.scale - out.scale) <= 1e-6F && in.zero_point == out.zero_point,
      "a pool does not rescale; scale and zero point of " + input.name + " and " + l.output().name + " must be equal");
  const Shape& shape = input.shape;
  const Window y = window(shape[1], options.filter_h, options.stride_h, 1, options.padding);
  const Window x = window(shape[2], options.filter_w, options.stride_w, 1, options.padding);
  l.require_shape(std::array<int64_t, 4>{shape[0], y.out, x.out, shape[3]});
  l.emit(Pool{.kind = kind,
              .batch = shape[0],
              .in_h = shape[1],
              .in_w = shape[2],
              .channels = shape[3],
              .out_h = y.out,
              .out_w = x.out,
              .k_h = options.filter_h,
              .k_w = options.filter_w,
              .stride_h = options.stride_h,
              .stride_w = options.stride_w,
              .pads = {.top = y.before, .left = x.before, .bottom = y.after, .right = x.after},
              .offset = 0,
              .clamp = l.clamp_of(options.activation, l.output())});
}

/// The axes to reduce, by axis of the input.
std::vector<bool> reduced_axes(const OpLowering& l) {
  const size_t rank = l.input().shape.size();
  std::vector<bool> reduce(rank);
  for (const int64_t value : l.integers(1, "axes")) reduce[l.axis(value, rank)] = true;
  return reduce;
}

/// Neighbouring axes that are both reduced or both kept become one; axes of extent 1 vanish.
void merge_axes(const Shape& shape, const std::vector<bool>& reduce, Mean& mean) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (!mean.reduce.empty() && mean.reduce.back() == reduce[i]) {
      mean.extents.back() *= shape[i];
    } else {
      mean.extents.push_back(shape[i]);
      mean.reduce.push_back(reduce[i]);
    }
  }
  if (!mean.extents.empty()) return;
  mean.extents = {1};
  mean.reduce = {true};
}

/// The factor with the division by `count` worked in, in as many bits as fit.
FixedPoint divided(FixedPoint factor, int64_t count) {
  const int32_t log2 = 63 - std::countl_zero(static_cast<uint64_t>(count));
  const int32_t shift = std::min({log2, 32, 31 + factor.shift});
  return {static_cast<int32_t>((int64_t{factor.multiplier} << shift) / count), factor.shift - shift};
}

}  // namespace

void lower_average_pool_2d(OpLowering& l) { lower_pool(l, Pool::Kind::Average); }
void lower_max_pool_2d(OpLowering& l) { lower_pool(l, Pool::Kind::Max); }

void lower_mean(OpLowering& l) {
  const Tensor& input = l.input();
  const std::vector<bool> reduce = reduced_axes(l);
  std::vector<int64_t> shape;
  int64_t count = 1;
  for (size_t i = 0; i < reduce.size(); ++i) {
    if (reduce[i]) count *= input.shape[i];
    if (!reduce[i]) shape.push_back(input.shape[i]);
    if (reduce[i] && l.options<MeanOptions>().keep_dims) shape.push_back(1);
  }
  l.require_shape(shape);
  l.require(count <= std::numeric_limits<int32_t>::max() / 255,
            "a mean of " + std::to_string(count) + " values can pass 32 bits; at most 8421504 are supported");

  Mean mean{};
  merge_axes(input.shape, reduce, mean);
  const double factor =
      static_cast<double>(l.scale_of(input).scale) / static_cast<double>(l.scale_of(l.output()).scale);
  mean.rescale = divided(l.rescale(factor, "the factor from input to output"), count);
  mean.clamp = l.clamp_of(Activation::None, l.output());
  l.emit(std::move(mean));
}

namespace {

/// A tensor as rows along its last axis.
struct Rows {
  int32_t rows, depth;
};

Rows rows_of(const OpLowering& l) {
  const Shape& shape = l.input().shape;
  l.require(!shape.empty(), "its input is a scalar; it must have at least 1 dimension");
  l.require_shape(std::vector<int64_t>(shape.begin(), shape.end()));
  const int32_t depth = shape.back();
  return {static_cast<int32_t>(element_count(shape) / depth), depth};
}

}  // namespace

void lower_softmax(OpLowering& l) {
  constexpr int kIntegerBits = 5;  // of the scaled differences
  const auto [rows, depth] = rows_of(l);
  const float beta = l.options<SoftmaxOptions>().beta;
  l.require(std::isfinite(beta) && beta > 0,
            "its beta is " + std::to_string(beta) + "; it must be positive and finite");
  const Scale in = l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  l.require(std::abs(out.scale - 1.0F / 256) <= 0.001F / 256 && out.zero_point == lowest(l.output().type),
            "its output must have scale 1/256 and zero point " + std::to_string(lowest(l.output().type)));

  const double largest = 2147483647.0;
  const double factor = static_cast<double>(beta) * static_cast<double>(in.scale) * (1 << (31 - kIntegerBits));
  const FixedPoint scale = quantize_multiplier(std::min(factor, largest));
  l.require(scale.shift >= 0,
            "its input's scale times beta is " + std::to_string(factor / (1 << 26)) + "; it must be at least 2^-27");
  const double reach = static_cast<double>((1 << kIntegerBits) - 1) * (1 << (31 - kIntegerBits)) /
                       static_cast<double>(int64_t{1} << scale.shift);
  l.emit(Softmax{.rows = rows, .depth = depth, .scale = scale, .diff_min = -static_cast<int32_t>(std::floor(reach))});
}

void lower_l2_normalization(OpLowering& l) {
  l.require_no_activation(l.options<L2NormalizationOptions>().activation);
  const auto [rows, depth] = rows_of(l);
  l.scale_of(l.input());
  const Scale out = l.scale_of(l.output());
  const bool is_signed = l.output().type == DataType::Int8;
  const int32_t zero_point = is_signed ? 0 : 128;
  l.require(out.scale == 1.0F / 128 && out.zero_point == zero_point,
            "its output must have scale 1/128 and zero point " + std::to_string(zero_point));
  l.emit(L2Normalization{.rows = rows, .depth = depth, .is_signed = is_signed});
}

void lower_arg_max(OpLowering& l) {
  const Shape& in = l.input().shape;
  const size_t axis = l.axis(l.integer(1, "axis"), in.size());
  std::vector<int64_t> shape(in.begin(), in.end());
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  l.require_shape(shape);
  ArgMax op{.outer = 1, .axis = in[axis], .inner = 1};
  for (size_t i = 0; i < axis; ++i) op.outer *= in[i];
  for (size_t i = axis + 1; i < in.size(); ++i) op.inner *= in[i];
  l.emit(op);
}

}  // namespace octet
