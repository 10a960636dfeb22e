// RESIZE_NEAREST_NEIGHBOR copies pixels; RESIZE_BILINEAR mixes four: in integers where the file's type is int8, in
// float where it is uint8. Where each output row and column reads from is worked out when the plan is made. Floating
// point must not be contracted here.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

// ---- Nearest neighbour.

/// Which input row (column) each output row (column) is.
std::vector<int64_t> nearest_indices(int32_t in, int32_t out, const Resize& op) {
  const bool between_corners = op.align_corners && out > 1;
  const float scale = between_corners ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                      : static_cast<float>(in) / static_cast<float>(out);
  const float offset = op.half_pixel_centers ? 0.5F : 0.0F;
  std::vector<int64_t> indices(static_cast<size_t>(out));
  for (int32_t i = 0; i < out; ++i) {
    const float at = (static_cast<float>(i) + offset) * scale;
    const float whole = op.align_corners ? std::round(at) : std::floor(at);
    indices[static_cast<size_t>(i)] = std::clamp<int64_t>(static_cast<int64_t>(whole), 0, in - 1);
  }
  return indices;
}

void nearest_row(const std::byte* in, std::byte* out, const std::vector<int64_t>& columns, size_t pixel_bytes) {
  for (const int64_t column : columns) {
    std::memcpy(out, in + static_cast<size_t>(column) * pixel_bytes, pixel_bytes);
    out += pixel_bytes;
  }
}

void plan_nearest(const Resize& op, const Node& node, PlanBuilder& builder) {
  Step step = builder.step_for(node, "resize_nearest");
  const auto pixel_bytes = op.channels * static_cast<int64_t>(size_of(builder.tensor(node.inputs[0]).type));
  const auto rows = std::make_shared<const std::vector<int64_t>>(nearest_indices(op.in_h, op.out_h, op));
  const auto columns = std::make_shared<const std::vector<int64_t>>(nearest_indices(op.in_w, op.out_w, op));
  step.run = [=, batch = op.batch, in_h = op.in_h, in_w = op.in_w, out_h = op.out_h, out_w = op.out_w,
              in_id = node.inputs[0], out_id = node.outputs[0]](const RunContext& context) {
    const std::byte* const in = context.tensors[in_id];
    std::byte* const out = context.tensors[out_id];
    const int64_t row_bytes = out_w * pixel_bytes;
    const int64_t grain = std::max<int64_t>(1, kGrainBytes / row_bytes);
    context.pool.parallel_for(int64_t{batch} * out_h, grain, [&](int64_t begin, int64_t end) {
      int64_t last = -1;  // input row that the output row before this one is made from
      for (int64_t row = begin; row < end; ++row) {
        const int64_t from = row / out_h * in_h + (*rows)[static_cast<size_t>(row % out_h)];
        std::byte* const to = out + row * row_bytes;
        if (from == last) {
          std::memcpy(to, to - row_bytes, static_cast<size_t>(row_bytes));
        } else {
          nearest_row(in + from * in_w * pixel_bytes, to, *columns, static_cast<size_t>(pixel_bytes));
        }
        last = from;
      }
    });
  };
  builder.add(std::move(step));
}

// ---- Bilinear.

/// Two neighbours along an axis, and how far from the first: in pixels, or in 1/1024 of one.
template <typename Weight>
struct Between {
  int64_t lo, hi;
  Weight from_lo;
};

std::vector<Between<float>> float_positions(int32_t in, int32_t out, const Resize& op) {
  const bool between_corners = op.align_corners && out > 1;
  const float scale = between_corners ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                      : static_cast<float>(in) / static_cast<float>(out);
  std::vector<Between<float>> positions(static_cast<size_t>(out));
  for (int32_t i = 0; i < out; ++i) {
    const float at =
        op.half_pixel_centers ? (static_cast<float>(i) + 0.5F) * scale - 0.5F : static_cast<float>(i) * scale;
    const auto lo = std::clamp<int64_t>(static_cast<int64_t>(std::floor(at)), 0, in - 1);
    const auto hi = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(at)), 0, in - 1);
    positions[static_cast<size_t>(i)] = {lo, hi, at - static_cast<float>(lo)};
  }
  return positions;
}

std::vector<Between<int32_t>> integer_positions(int64_t in, int64_t out, const Resize& op) {
  constexpr int64_t kOne = 1024;
  const bool between_corners = op.align_corners && out > 1;
  const int64_t scale = between_corners ? (kOne * (in - 1) + (out - 1) / 2) / (out - 1) : (kOne * in + out / 2) / out;
  std::vector<Between<int32_t>> positions(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    int64_t at = op.half_pixel_centers ? i * scale + scale / 2 - kOne / 2 : i * scale;
    at = std::min(at, kOne * in - 1);  // rounding of the scale adds up over long axes
    const int64_t lo = std::max<int64_t>(at / kOne, 0);
    const int64_t hi = std::min((at + kOne - 1) / kOne, in - 1);
    positions[static_cast<size_t>(i)] = {lo, hi, static_cast<int32_t>(at - kOne * lo)};
  }
  return positions;
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

template <typename T, typename Weight>
void plan_bilinear(const Resize& op, std::vector<Between<Weight>> row_positions,
                   std::vector<Between<Weight>> column_positions, const Node& node, PlanBuilder& builder) {
  const std::string_view base = std::is_same_v<Weight, float> ? "resize_bilinear_float" : "resize_bilinear_integer";
  Step step = builder.step_for(node, kernel_name(base, builder.tensor(node.inputs[0]).type));
  const auto rows = std::make_shared<const std::vector<Between<Weight>>>(std::move(row_positions));
  const auto columns = std::make_shared<const std::vector<Between<Weight>>>(std::move(column_positions));
  step.run = [op, rows, columns, in_id = node.inputs[0], out_id = node.outputs[0]](const RunContext& context) {
    const T* const in = context.data<const T>(in_id);
    T* const out = context.data<T>(out_id);
    const int64_t in_row = int64_t{op.in_w} * op.channels;
    const int64_t out_row = int64_t{op.out_w} * op.channels;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / out_row);
    context.pool.parallel_for(int64_t{op.batch} * op.out_h, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const Between<Weight>& y = (*rows)[static_cast<size_t>(row % op.out_h)];
        const T* const image = in + row / op.out_h * op.in_h * in_row;
        const T* const top = image + y.lo * in_row;
        const T* const bottom = image + y.hi * in_row;
        T* to = out + row * out_row;
        for (const Between<Weight>& x : *columns) {
          const int64_t left = x.lo * op.channels;
          const int64_t right = x.hi * op.channels;
          mix<T>({top + left, bottom + left, top + right, bottom + right}, y.from_lo, x.from_lo, op.channels, op.offset,
                 to);
          to += op.channels;
        }
      }
    });
  };
  builder.add(std::move(step));
}

template <typename T>
void plan_bilinear(const Resize& op, const Node& node, PlanBuilder& builder) {
  if (op.is_signed) {
    plan_bilinear<T>(op, integer_positions(op.in_h, op.out_h, op), integer_positions(op.in_w, op.out_w, op), node,
                     builder);
  } else {
    plan_bilinear<T>(op, float_positions(op.in_h, op.out_h, op), float_positions(op.in_w, op.out_w, op), node, builder);
  }
}

}  // namespace

void plan(const Resize& op, const Node& node, PlanBuilder& builder) {
  if (op.kind == Resize::Kind::Nearest) {
    plan_nearest(op, node, builder);
  } else if (builder.tensor(node.inputs[0]).type == DataType::UInt8) {
    plan_bilinear<uint8_t>(op, node, builder);
  } else {
    plan_bilinear<int8_t>(op, node, builder);
  }
}

}  // namespace octet
