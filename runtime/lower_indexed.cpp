// GATHER, RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR.
#include <array>

#include "runtime/lower.h"

namespace octet {
namespace {

void lower_resize(OpLowering& l, Resize::Kind kind) {
  const auto& options = l.options<ResizeOptions>();
  const Tensor& input = l.input();
  l.require_rank(input, 4);
  const std::vector<int64_t> size = l.integers(1, "size");
  l.require(size.size() == 2, "its size has " + std::to_string(size.size()) + " elements; it must have 2");
  l.require_shape(std::array<int64_t, 4>{input.shape[0], size[0], size[1], input.shape[3]});
  l.require(kind == Resize::Kind::Nearest || !options.align_corners || !options.half_pixel_centers,
            "align_corners and half_pixel_centers exclude each other");
  l.emit(Resize{.kind = kind,
                .batch = input.shape[0],
                .in_h = input.shape[1],
                .in_w = input.shape[2],
                .channels = input.shape[3],
                .out_h = static_cast<int32_t>(size[0]),
                .out_w = static_cast<int32_t>(size[1]),
                .align_corners = options.align_corners,
                .half_pixel_centers = options.half_pixel_centers,
                .is_signed = input.type == DataType::Int8,
                .offset = 0});
}

/// Constant indices can be checked once and for all.
void check_constant_indices(const OpLowering& l, int64_t extent) {
  if (l.input(1).data.empty()) return;
  for (const int64_t index : l.integers(1, "indices")) {
    l.require(index >= 0 && index < extent,
              "index " + std::to_string(index) + " is outside of an axis of " + std::to_string(extent));
  }
}

}  // namespace

void lower_resize_bilinear(OpLowering& l) { lower_resize(l, Resize::Kind::Bilinear); }
void lower_resize_nearest_neighbor(OpLowering& l) { lower_resize(l, Resize::Kind::Nearest); }

void lower_gather(OpLowering& l) {
  const auto& options = l.options<GatherOptions>();
  const Shape& data = l.input(0).shape;
  const Shape& indices = l.input(1).shape;
  const size_t axis = l.axis(options.axis, data.size());
  const int64_t batch_dims = options.batch_dims + (options.batch_dims < 0 ? static_cast<int64_t>(indices.size()) : 0);
  l.require(batch_dims >= 0 && batch_dims <= static_cast<int64_t>(std::min(axis, indices.size())),
            "batch_dims " + std::to_string(options.batch_dims) + " must be between 0 and both its axis and the " +
                std::to_string(indices.size()) + " dimensions of the indices");
  const auto batches = static_cast<size_t>(batch_dims);

  std::vector<int64_t> shape;
  Gather op{.batch = 1, .outer = 1, .axis = data[axis], .inner = 1, .count = 1};
  for (size_t i = 0; i < axis; ++i) {
    l.require(i >= batches || data[i] == indices[i], "data of shape " + to_string(data) + " and indices of shape " +
                                                         to_string(indices) + " must agree in their first " +
                                                         std::to_string(batches) + " dimensions");
    shape.push_back(data[i]);
    (i < batches ? op.batch : op.outer) *= data[i];
  }
  for (size_t i = batches; i < indices.size(); ++i) {
    shape.push_back(indices[i]);
    op.count *= indices[i];
  }
  for (size_t i = axis + 1; i < data.size(); ++i) {
    shape.push_back(data[i]);
    op.inner *= data[i];
  }
  l.require_shape(shape);
  check_constant_indices(l, op.axis);
  l.emit(op, 2);
}

}  // namespace octet
