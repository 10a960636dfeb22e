// RESIZE_NEAREST_NEIGHBOR copies pixels; RESIZE_BILINEAR mixes four. Floating point must not be contracted here.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Between = ResizeBilinearStep::Between;

void nearest_row(const std::byte* in, std::byte* out, const int64_t* columns, int64_t count, size_t pixel_bytes) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out, in + static_cast<size_t>(columns[i]) * pixel_bytes, pixel_bytes);
    out += pixel_bytes;
  }
}

/// Four pixels to be mixed.
template <typename T>
struct Corners {
  const T *top_left, *bottom_left, *top_right, *bottom_right;
};

/// The order of operations is the reference's.
template <typename T>
void mix(const Corners<T>& p, float dy, float dx, int32_t channels, int32_t offset, T* out) {
  const float up = 1 - dy;
  const float left = 1 - dx;
  const auto value = [offset](T stored) { return static_cast<float>(stored + offset); };
  for (int32_t c = 0; c < channels; ++c) {
    const float sum = value(p.top_left[c]) * up * left + value(p.bottom_left[c]) * dy * left +
                      value(p.top_right[c]) * up * dx + value(p.bottom_right[c]) * dy * dx + 0.5F;
    out[c] = static_cast<T>(std::clamp(static_cast<int32_t>(sum), 0, 255) - offset);
  }
}

/// Weights of 10 bits each; halves away from zero in the file's own type. |sum| < 2^31: dy and dx are in [-512, 1023].
template <typename T>
void mix(const Corners<T>& p, int32_t dy, int32_t dx, int32_t channels, int32_t offset, T* out) {
  constexpr int32_t kOne = 1024;
  const int32_t top_left = (kOne - dy) * (kOne - dx);
  const int32_t bottom_left = dy * (kOne - dx);
  const int32_t top_right = (kOne - dy) * dx;
  const int32_t bottom_right = dy * dx;
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t sum = p.top_left[c] * top_left + p.bottom_left[c] * bottom_left + p.top_right[c] * top_right +
                        p.bottom_right[c] * bottom_right + offset * (kOne * kOne);
    const int32_t half = sum > 0 ? kOne * kOne / 2 : -kOne * kOne / 2;
    out[c] = static_cast<T>(std::clamp((sum + half) / (kOne * kOne), -128, 127) - offset);
  }
}

template <typename Weight>
Weight from_lo(const Between& between) {
  if constexpr (std::is_same_v<Weight, float>) {
    return between.from_lo;
  } else {
    return between.from_lo_1024;
  }
}

template <typename T, typename Weight>
void bilinear(const ResizeBilinearStep& op, const RunContext& context) {
  const T* const in = context.data<const T>(op.input);
  T* const out = context.data<T>(op.output);
  const Between *const rows = context.constant(op.rows), *const columns = context.constant(op.columns);
  const int64_t in_row = op.in_w * op.channels;
  const int64_t out_row = op.columns.count * op.channels;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / out_row);
  context.pool.parallel_for(op.batch * op.out_h, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Between& y = rows[row % op.out_h];
      const T* const image = in + row / op.out_h * op.in_h * in_row;
      const T* const top = image + y.lo * in_row;
      const T* const bottom = image + y.hi * in_row;
      T* to = out + row * out_row;
      for (int64_t i = 0; i < op.columns.count; ++i) {
        const Between& x = columns[i];
        const int64_t left = int64_t{x.lo} * op.channels;
        const int64_t right = int64_t{x.hi} * op.channels;
        mix<T>({top + left, bottom + left, top + right, bottom + right}, from_lo<Weight>(y), from_lo<Weight>(x),
               op.channels, op.offset, to);
        to += op.channels;
      }
    }
  });
}

template <typename T>
void bilinear(const ResizeBilinearStep& step, const RunContext& context) {
  if (step.in_integers != 0) {
    bilinear<T, int32_t>(step, context);
  } else {
    bilinear<T, float>(step, context);
  }
}

}  // namespace

void run(const ResizeNearestStep& op, const RunContext& context) {
  const std::byte* const in = context.tensors[op.input];
  std::byte* const out = context.tensors[op.output];
  const int64_t *const rows = context.constant(op.rows), *const columns = context.constant(op.columns);
  const int64_t row_bytes = op.columns.count * op.pixel_bytes;
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / row_bytes);
  context.pool.parallel_for(op.batch * op.out_h, grain, [&](int64_t begin, int64_t end) {
    int64_t last = -1;  // input row that the output row before this one is made from
    for (int64_t row = begin; row < end; ++row) {
      const int64_t from = row / op.out_h * op.in_h + rows[row % op.out_h];
      std::byte* const to = out + row * row_bytes;
      if (from == last) {
        std::memcpy(to, to - row_bytes, static_cast<size_t>(row_bytes));
      } else {
        nearest_row(in + from * op.in_w * op.pixel_bytes, to, columns, op.columns.count,
                    static_cast<size_t>(op.pixel_bytes));
      }
      last = from;
    }
  });
}

void run(const ResizeBilinearStep& step, const RunContext& context) {
  if (step.type == DataType::UInt8) {
    bilinear<uint8_t>(step, context);
  } else {
    bilinear<int8_t>(step, context);
  }
}

}  // namespace octet
