// RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR.
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

}  // namespace

void lower_resize_bilinear(OpLowering& l) { lower_resize(l, Resize::Kind::Bilinear); }
void lower_resize_nearest_neighbor(OpLowering& l) { lower_resize(l, Resize::Kind::Nearest); }

}  // namespace octet
