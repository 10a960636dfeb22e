// RESIZE_NEAREST_NEIGHBOR copies pixels; RESIZE_BILINEAR mixes four: in integers where the file's type is int8, in
// float where it is uint8. Where each output row and column reads from is worked out when the plan is made. Floating
// point must not be contracted here.
#include <algorithm>
#include <cmath>

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

void plan_nearest(const Resize& op, const Node& node, PlanBuilder& builder) {
  Step step = builder.step_for(node, "resize_nearest");
  const auto pixel_bytes = op.channels * static_cast<int64_t>(size_of(builder.tensor(node.inputs[0]).type));
  step.work = ResizeNearestStep{.input = node.inputs[0],
                                .output = node.outputs[0],
                                .batch = op.batch,
                                .in_h = op.in_h,
                                .in_w = op.in_w,
                                .out_h = op.out_h,
                                .pixel_bytes = pixel_bytes,
                                .rows = builder.keep_array<int64_t>(nearest_indices(op.in_h, op.out_h, op)),
                                .columns = builder.keep_array<int64_t>(nearest_indices(op.in_w, op.out_w, op))};
  builder.add(std::move(step));
}

// ---- Bilinear.

using Between = ResizeBilinearStep::Between;

std::vector<Between> float_positions(int32_t in, int32_t out, const Resize& op) {
  const bool between_corners = op.align_corners && out > 1;
  const float scale = between_corners ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                      : static_cast<float>(in) / static_cast<float>(out);
  std::vector<Between> positions(static_cast<size_t>(out));
  for (int32_t i = 0; i < out; ++i) {
    const float at =
        op.half_pixel_centers ? (static_cast<float>(i) + 0.5F) * scale - 0.5F : static_cast<float>(i) * scale;
    const auto lo = std::clamp<int64_t>(static_cast<int64_t>(std::floor(at)), 0, in - 1);
    const auto hi = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(at)), 0, in - 1);
    positions[static_cast<size_t>(i)] = {static_cast<int32_t>(lo), static_cast<int32_t>(hi),
                                         at - static_cast<float>(lo), 0};
  }
  return positions;
}

std::vector<Between> integer_positions(int64_t in, int64_t out, const Resize& op) {
  constexpr int64_t kOne = 1024;
  const bool between_corners = op.align_corners && out > 1;
  const int64_t scale = between_corners ? (kOne * (in - 1) + (out - 1) / 2) / (out - 1) : (kOne * in + out / 2) / out;
  std::vector<Between> positions(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    int64_t at = op.half_pixel_centers ? i * scale + scale / 2 - kOne / 2 : i * scale;
    at = std::min(at, kOne * in - 1);  // rounding of the scale adds up over long axes
    const int64_t lo = std::max<int64_t>(at / kOne, 0);
    const int64_t hi = std::min((at + kOne - 1) / kOne, in - 1);
    positions[static_cast<size_t>(i)] = {static_cast<int32_t>(lo), static_cast<int32_t>(hi), 0,
                                         static_cast<int32_t>(at - kOne * lo)};
  }
  return positions;
}

void plan_bilinear(const Resize& op, const Node& node, PlanBuilder& builder) {
  const std::string_view base = op.is_signed ? "resize_bilinear_integer" : "resize_bilinear_float";
  const DataType type = builder.tensor(node.inputs[0]).type;
  const auto positions = [&](int32_t in, int32_t out) {
    return builder.keep_array<Between>(op.is_signed ? integer_positions(in, out, op) : float_positions(in, out, op));
  };
  Step step = builder.step_for(node, kernel_name(base, type));
  step.work = ResizeBilinearStep{.input = node.inputs[0],
                                 .output = node.outputs[0],
                                 .type = type,
                                 .in_integers = op.is_signed,
                                 .offset = op.offset,
                                 .channels = op.channels,
                                 .batch = op.batch,
                                 .in_h = op.in_h,
                                 .in_w = op.in_w,
                                 .out_h = op.out_h,
                                 .rows = positions(op.in_h, op.out_h),
                                 .columns = positions(op.in_w, op.out_w)};
  builder.add(std::move(step));
}

}  // namespace

void plan(const Resize& op, const Node& node, PlanBuilder& builder) {
  if (op.kind == Resize::Kind::Nearest) {
    plan_nearest(op, node, builder);
  } else {
    plan_bilinear(op, node, builder);
  }
}

}  // namespace octet
