// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV:
//   out = clamp(Z_out + M_c (sum (q_in - Z_in)(q_w - Z_w) + bias_c))
// over the taps that lie inside the image. The sums are shared with float32, where out = clamp(sum x w + bias).
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

struct Extents {  // of a 4-dimensional tensor, in the file's order
  int64_t n, h, w, c;

  explicit Extents(const Shape& shape) : n(shape[0]), h(shape[1]), w(shape[2]), c(shape[3]) {}
  int64_t at(int64_t in, int64_t ih, int64_t iw) const { return ((in * h + ih) * w + iw) * c; }
  int64_t count() const { return n * h * w * c; }
};

// Sums of integer products are kept exact; what a 32-bit accumulator would hold is taken at the end.
template <class V>
struct SumOf;
template <>
struct SumOf<int32_t> {
  using type = int64_t;
};
template <>
struct SumOf<float> {
  using type = float;
};
template <class V>
using Sum = typename SumOf<V>::type;

template <class V>
Sum<V> dot(const V* a, const V* b, int64_t count) {
  Sum<V> sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += Sum<V>{a[i]} * b[i];
  return sum;
}

template <class V>
std::vector<Sum<V>> conv_sums(const std::vector<V>& input, Extents in, const std::vector<V>& filter, Extents f,
                              Extents out, const Window& wy, const Window& wx) {
  const int64_t out_channels_a_group = f.n / (in.c / f.c);
  std::vector<Sum<V>> sums(static_cast<size_t>(out.count()));
  for (int64_t n = 0; n < out.n; ++n) {
    for (int64_t y = 0; y < out.h; ++y) {
      for (int64_t x = 0; x < out.w; ++x) {
        for (int64_t c = 0; c < out.c; ++c) {
          const int64_t first_channel = c / out_channels_a_group * f.c;
          Sum<V> sum = 0;
          for (int64_t ky = 0; ky < f.h; ++ky) {
            const int64_t iy = wy.input(y, ky);
            if (iy < 0 || iy >= in.h) continue;
            for (int64_t kx = 0; kx < f.w; ++kx) {
              const int64_t ix = wx.input(x, kx);
              if (ix < 0 || ix >= in.w) continue;
              sum += dot(&input[in.at(n, iy, ix) + first_channel], &filter[f.at(c, ky, kx)], f.c);
            }
          }
          sums[out.at(n, y, x) + c] = sum;
        }
      }
    }
  }
  return sums;
}

template <class V>
std::vector<Sum<V>> depthwise_sums(const std::vector<V>& input, Extents in, const std::vector<V>& filter, Extents f,
                                   Extents out, const Window& wy, const Window& wx) {
  const int64_t multiplier = out.c / in.c;
  std::vector<Sum<V>> sums(static_cast<size_t>(out.count()));
  for (int64_t n = 0; n < out.n; ++n) {
    for (int64_t y = 0; y < out.h; ++y) {
      for (int64_t x = 0; x < out.w; ++x) {
        for (int64_t ky = 0; ky < f.h; ++ky) {
          const int64_t iy = wy.input(y, ky);
          if (iy < 0 || iy >= in.h) continue;
          for (int64_t kx = 0; kx < f.w; ++kx) {
            const int64_t ix = wx.input(x, kx);
            if (ix < 0 || ix >= in.w) continue;
            const V* pixel = &input[in.at(n, iy, ix)];
            const V* weights = &filter[f.at(0, ky, kx)];
            Sum<V>* sum = &sums[out.at(n, y, x)];
            for (int64_t c = 0; c < in.c; ++c) {
              for (int64_t m = 0; m < multiplier; ++m) {
                sum[c * multiplier + m] += Sum<V>{pixel[c]} * weights[c * multiplier + m];
              }
            }
          }
        }
      }
    }
  }
  return sums;
}

// Every input pixel adds its multiples of the filter to the output, `before` pixels up and left of its stride.
template <class V>
std::vector<Sum<V>> transpose_sums(const std::vector<V>& input, Extents in, const std::vector<V>& filter, Extents f,
                                   Extents out, const Window& wy, const Window& wx) {
  std::vector<Sum<V>> sums(static_cast<size_t>(out.count()));
  for (int64_t n = 0; n < in.n; ++n) {
    for (int64_t y = 0; y < in.h; ++y) {
      for (int64_t x = 0; x < in.w; ++x) {
        for (int64_t ky = 0; ky < f.h; ++ky) {
          const int64_t oy = wy.input(y, ky);
          if (oy < 0 || oy >= out.h) continue;
          for (int64_t kx = 0; kx < f.w; ++kx) {
            const int64_t ox = wx.input(x, kx);
            if (ox < 0 || ox >= out.w) continue;
            for (int64_t c = 0; c < out.c; ++c) {
              sums[out.at(n, oy, ox) + c] += dot(&input[in.at(n, y, x)], &filter[f.at(c, ky, kx)], in.c);
            }
          }
        }
      }
    }
  }
  return sums;
}

// How the double that becomes channel c's multiplier is computed from the scales.
enum class Product {
  InDouble,  // S_in S_w / S_out in double
  InFloat,   // S_in S_w rounded to float, then / S_out in double
};

/// One multiplier an output channel. `channel_axis` is the filter's axis that per-channel scales must run along.
std::vector<Multiplier> multipliers(const Context& context, const Tensor& input, const Tensor& filter, int64_t channels,
                                    int32_t channel_axis, Product product) {
  const float in_scale = context.scale(input), out_scale = context.scale(context.output());
  const Quantization& q = filter.quantization;
  const bool per_channel = q.scale.size() > 1;
  if (per_channel) {
    context.require(filter.type == DataType::Int8, "has one weight scale a channel, which only INT8 can have");
    context.require(static_cast<int64_t>(q.scale.size()) == channels && q.axis == channel_axis,
                    "has weight scales that are not one an output channel");
  }
  std::vector<Multiplier> result;
  for (int64_t c = 0; c < channels; ++c) {
    const float weight_scale = per_channel ? q.scale[static_cast<size_t>(c)] : context.scale(filter);
    const double numerator =
        product == Product::InFloat ? double{in_scale * weight_scale} : double{in_scale} * double{weight_scale};
    result.push_back(context.multiplier(numerator / double{out_scale}));
  }
  return result;
}

/// q_w - Z_w. INT8 weights of convolutions must be symmetric; fully-connected ones may have a zero point.
std::vector<int32_t> read_weights(const Context& context, size_t i, bool may_have_zero_point) {
  const Tensor& filter = context.input(i);
  if (filter.type == DataType::Int8 && !may_have_zero_point) {
    for (const int64_t zero : filter.quantization.zero_point) {
      context.require(zero == 0, "has INT8 weights with a zero point");
    }
  }
  if (filter.quantization.scale.size() > 1) return context.read_8_bit(i);
  return context.read_quantized(i);
}

template <class V>
std::vector<V> read_bias(const Context& context, size_t i, DataType type, int64_t channels) {
  std::vector<V> bias(static_cast<size_t>(channels), V{0});
  if (context.has_input(i)) {
    context.require(context.input(i).type == type, "has a bias of an unsupported type");
    bias = context.read<V>(i);
    context.require(static_cast<int64_t>(bias.size()) == channels, "has a bias that is not one an output channel");
  }
  return bias;
}

/// Bias, scale, clamp: the last dimension of `sums` is the output channel.
void finish_quantized(Context& context, const std::vector<int64_t>& sums, const std::vector<int32_t>& bias,
                      const std::vector<Multiplier>& multipliers, Activation activation) {
  const Range range = quantized_range(context, activation, context.output());
  const int32_t zero = context.zero_point(context.output());
  const size_t channels = bias.size();
  std::vector<int32_t> values(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    const int32_t accumulator = wrap_to_int32(sums[i] + bias[i % channels]);
    values[i] = range.clamp(wrap_to_int32(int64_t{mbqm(accumulator, multipliers[i % channels])} + zero));
  }
  context.write_quantized(0, values);
}

void finish_float(Context& context, std::vector<float> sums, const std::vector<float>& bias, Activation activation) {
  const FloatRange range = float_range(context, activation);
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = range.clamp(sums[i] + bias[i % bias.size()]);
  context.write(0, sums);
}

/// The part that the operators share: reads by type, sums, finishes. `sum` makes sums from values of input `data` and
/// of the filter, input 1.
template <class F>
void weighted_sum(Context& context, size_t data, int64_t channels, int32_t channel_axis, bool int8_product_in_float,
                  Activation activation, F sum) {
  const Tensor& input = context.input(data);
  const Tensor& filter = context.input(1);
  const DataType type = input.type;
  context.require(type == context.output().type && type == filter.type, "mixes types");
  const size_t bias = std::max<size_t>(data, 1) + 1;
  if (type == DataType::Float32) {
    finish_float(context, sum(context.read<float>(data), context.read<float>(1)),
                 read_bias<float>(context, bias, DataType::Float32, channels), activation);
    return;
  }
  context.require(is_8_bit(type), "supports UINT8, INT8 and FLOAT32 only");
  const bool per_channel = filter.quantization.scale.size() > 1;
  const Product product =
      type == DataType::UInt8 || (int8_product_in_float && !per_channel) ? Product::InFloat : Product::InDouble;
  const bool is_fully_connected = context.code() == OpCode::FullyConnected;
  finish_quantized(context,
                   sum(context.read_quantized(data), read_weights(context, 1, is_fully_connected && !per_channel)),
                   read_bias<int32_t>(context, bias, DataType::Int32, channels),
                   multipliers(context, input, filter, channels, channel_axis, product), activation);
}

}  // namespace

void conv_2d(Context& context) {
  const auto& options = context.options<Conv2DOptions>();
  context.require_rank(context.input(0), 4);
  context.require_rank(context.input(1), 4);
  const Extents in(context.shape(0)), f(context.shape(1));
  const Window wy =
      window(context, options.padding, context.shape(0)[1], context.shape(1)[1], options.stride_h, options.dilation_h);
  const Window wx =
      window(context, options.padding, context.shape(0)[2], context.shape(1)[2], options.stride_w, options.dilation_w);
  context.require(in.c % f.c == 0 && f.n % (in.c / f.c) == 0, "has channels that do not divide into groups");
  const Shape out_shape{context.shape(0)[0], wy.output, wx.output, context.shape(1)[0]};
  context.require_output_shape(0, out_shape);
  weighted_sum(context, 0, f.n, 0, false, options.activation, [&](const auto& input, const auto& filter) {
    return conv_sums(input, in, filter, f, Extents(out_shape), wy, wx);
  });
}

void depthwise_conv_2d(Context& context) {
  const auto& options = context.options<DepthwiseConv2DOptions>();
  context.require_rank(context.input(0), 4);
  context.require_rank(context.input(1), 4);
  const Extents in(context.shape(0)), f(context.shape(1));
  const Window wy =
      window(context, options.padding, context.shape(0)[1], context.shape(1)[1], options.stride_h, options.dilation_h);
  const Window wx =
      window(context, options.padding, context.shape(0)[2], context.shape(1)[2], options.stride_w, options.dilation_w);
  context.require(f.n == 1 && f.c % in.c == 0, "has a filter that does not fit its input's channels");
  const Shape out_shape{context.shape(0)[0], wy.output, wx.output, context.shape(1)[3]};
  context.require_output_shape(0, out_shape);
  weighted_sum(context, 0, f.c, 3, false, options.activation, [&](const auto& input, const auto& filter) {
    return depthwise_sums(input, in, filter, f, Extents(out_shape), wy, wx);
  });
}

void fully_connected(Context& context) {
  const auto& options = context.options<FullyConnectedOptions>();
  context.require(!options.shuffled_weights, "has shuffled weights");
  context.require_rank(context.input(1), 2);
  const int64_t channels = context.shape(1)[0], depth = context.shape(1)[1];
  const int64_t elements = element_count(context.shape(0));
  context.require(elements % depth == 0, "has an input that is not whole rows of its weights' depth");
  const int64_t rows = elements / depth;
  if (options.keep_num_dims) {
    Shape expected = context.shape(0);
    context.require(!expected.empty() && expected.back() == depth, "has an input that does not fit its weights");
    expected.back() = static_cast<int32_t>(channels);
    context.require_output_shape(0, expected);
  } else {
    context.require(element_count(context.output().shape) == rows * channels, "has an output of the wrong size");
  }
  weighted_sum(context, 0, channels, 0, true, options.activation, [&](const auto& input, const auto& filter) {
    using V = typename std::decay_t<decltype(input)>::value_type;
    std::vector<Sum<V>> sums;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c) sums.push_back(dot(&input[row * depth], &filter[c * depth], depth));
    }
    return sums;
  });
}

void transpose_conv(Context& context) {
  const auto& options = context.options<Conv2DOptions>();
  constexpr size_t data = 2;  // inputs are (output shape, filter, data, optional bias)
  context.require_rank(context.input(data), 4);
  context.require_rank(context.input(1), 4);
  context.require_rank(context.output(), 4);
  context.require(options.dilation_h == 1 && options.dilation_w == 1, "is dilated");
  const std::vector<int64_t> wanted = context.read_integers(0);
  const Shape out_shape(wanted.begin(), wanted.end());
  context.require_output_shape(0, out_shape);
  const Extents in(context.shape(data)), f(context.shape(1)), out(out_shape);
  context.require(in.n == out.n && in.c == f.c && f.n == out.c, "has input, filter and output that do not fit");
  // The padding is that of the convolution which would lead from this output back to this input.
  const Window wy = window(context, options.padding, out_shape[1], context.shape(1)[1], options.stride_h, 1);
  const Window wx = window(context, options.padding, out_shape[2], context.shape(1)[2], options.stride_w, 1);
  weighted_sum(context, data, f.n, 0, false, options.activation, [&](const auto& input, const auto& filter) {
    return transpose_sums(input, in, filter, f, out, wy, wx);
  });
}

}  // namespace octet::reference
