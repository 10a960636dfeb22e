// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, of a [batch, height, width, channels] tensor.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

/// One axis of an output position: the two input positions that it lies between, and its distance from the first.
template <class D>
struct Between {
  int32_t low, high;
  D distance;
};

/// In float; the distance is in pixels.
Between<float> between(int32_t o, int32_t in, int32_t out, const ResizeOptions& options) {
  const float scale = options.align_corners && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                                       : static_cast<float>(in) / static_cast<float>(out);
  const float position =
      options.half_pixel_centers ? (static_cast<float>(o) + 0.5f) * scale - 0.5f : static_cast<float>(o) * scale;
  const int32_t low = std::max(static_cast<int32_t>(std::floor(position)), 0);
  const int32_t high = std::min(static_cast<int32_t>(std::ceil(position)), in - 1);
  return {low, high, position - static_cast<float>(low)};
}

/// In units of 1/1024 pixel.
Between<int64_t> between_10_bit(int32_t o, int32_t in, int32_t out, const ResizeOptions& options) {
  const int64_t scale = options.align_corners && out > 1 ? (int64_t{1024} * (in - 1) + (out - 1) / 2) / (out - 1)
                                                         : (int64_t{1024} * in + out / 2) / out;
  const int64_t position = options.half_pixel_centers ? o * scale + scale / 2 - 512 : o * scale;
  const int64_t low = std::max<int64_t>(position / 1024, 0);
  const int64_t high = std::min<int64_t>((position + 1023) / 1024, in - 1);
  return {static_cast<int32_t>(low), static_cast<int32_t>(high), position - 1024 * low};
}

int32_t nearest(int32_t o, int32_t in, int32_t out, const ResizeOptions& options) {
  const float scale = options.align_corners && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                                       : static_cast<float>(in) / static_cast<float>(out);
  const float position = (static_cast<float>(o) + (options.half_pixel_centers ? 0.5f : 0.0f)) * scale;
  const auto index = static_cast<int32_t>(options.align_corners ? std::round(position) : std::floor(position));
  return std::clamp(index, 0, in - 1);
}

/// The output's shape, checked against the size that input 1 gives.
Shape resized_shape(const Context& context) {
  context.require_same_type(0);
  context.require_rank(context.input(0), 4);
  const std::vector<int64_t> size = context.read_integers(1);
  context.require(size.size() == 2, "wants a size of height and width");
  const Shape& in = context.shape(0);
  const Shape shape{in[0], static_cast<int32_t>(size[0]), static_cast<int32_t>(size[1]), in[3]};
  context.require_output_shape(0, shape);
  return shape;
}

/// out = blend(low-low, low-high, high-low, high-high, y's Between, x's Between); the names say (y, x).
template <class V, class Axis, class Blend>
std::vector<V> bilinear(Context& context, const std::vector<V>& in, Axis axis, Blend blend) {
  const auto& options = context.options<ResizeOptions>();
  const Shape shape = resized_shape(context);
  const Shape& from = context.shape(0);
  const std::vector<int64_t> strides = strides_of(from);
  std::vector<V> out;
  for_each_index(shape, [&](const Shape& index) {
    const auto y = axis(index[1], from[1], shape[1], options);
    const auto x = axis(index[2], from[2], shape[2], options);
    const auto at = [&](int32_t iy, int32_t ix) {
      return in[index[0] * strides[0] + iy * strides[1] + ix * strides[2] + index[3]];
    };
    out.push_back(blend(at(y.low, x.low), at(y.low, x.high), at(y.high, x.low), at(y.high, x.high), y, x));
  });
  return out;
}

float blend_float(float ll, float lh, float hl, float hh, const Between<float>& y, const Between<float>& x) {
  const float dy = y.distance, dx = x.distance;
  return ll * (1 - dy) * (1 - dx) + hl * dy * (1 - dx) + lh * (1 - dy) * dx + hh * dy * dx;
}

}  // namespace

void resize_bilinear(Context& context) {
  switch (context.input(0).type) {
    case DataType::Float32:
      return context.write(0, bilinear(context, context.read<float>(0), between, blend_float));
    case DataType::UInt8: {  // in float, + 0.5, cut off
      const auto blend = [](int32_t ll, int32_t lh, int32_t hl, int32_t hh, const auto& y, const auto& x) {
        const auto real = [](int32_t v) { return static_cast<float>(v); };
        return static_cast<int32_t>(blend_float(real(ll), real(lh), real(hl), real(hh), y, x) + 0.5f);
      };
      return context.write_quantized(0, bilinear(context, context.read_8_bit(0), between, blend));
    }
    case DataType::Int8: {  // in integers, rounded half away from zero
      const auto blend = [](int64_t ll, int64_t lh, int64_t hl, int64_t hh, const auto& y, const auto& x) {
        const int64_t dy = y.distance, dx = x.distance;
        const int64_t sum =
            ll * (1024 - dy) * (1024 - dx) + hl * dy * (1024 - dx) + lh * (1024 - dy) * dx + hh * dy * dx;
        return static_cast<int32_t>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
      };
      return context.write_quantized(0, bilinear(context, context.read_8_bit(0), between_10_bit, blend));
    }
    default:
      context.fail("supports UINT8, INT8 and FLOAT32 only");
  }
}

void resize_nearest_neighbor(Context& context) {
  const auto& options = context.options<ResizeOptions>();
  const Shape shape = resized_shape(context);
  const Shape& from = context.shape(0);
  const std::vector<int64_t> strides = strides_of(from);
  context.move(0, [&](const Shape& index) -> Source {
    const int32_t y = nearest(index[1], from[1], shape[1], options);
    const int32_t x = nearest(index[2], from[2], shape[2], options);
    return {0, index[0] * strides[0] + y * strides[1] + x * strides[2] + index[3]};
  });
}

}  // namespace octet::reference
