// 64-bit Arm: NEON of Armv8.0 (smull, smlal2, sadalp), and with dot products (sdot by element).
#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

constexpr int kLanes = 4;  // output channels of a vector of sums

void promise_layout(ConvolutionKernel& k, int depth) {
  k.input.dim(0).set_min(0);
  k.offsets.dim(0).set_min(0);
  k.offsets.dim(1).set_min(0);
  k.weights.dim(0).set_bounds(0, depth).set_stride(1);
  k.weights.dim(1).set_bounds(0, kLanes).set_stride(depth);
  k.weights.dim(2).set_min(0).set_stride(depth * kLanes);
  k.weights.dim(3).set_min(0);
  k.weights.set_host_alignment(16);
  for (int d = 0; d < 3; d++) k.channels.dim(d).set_min(0);
  k.channels.set_host_alignment(16);
  k.output.output_buffer().dim(0).set_min(0).dim(1).set_min(0);
}

// Channel blocks outermost, so that a block's weights stay in the first-level cache while all pixels pass.
void schedule_tiles(ConvolutionKernel& k, Schedule tile, const Var& xo) {
  const int block = kLanes * tile.vectors;
  Var co("co");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::RoundUp)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, xo, co)
      .vectorize(k.c)
      .unroll(k.x);
  if (k.scaled.defined()) {
    k.scaled.compute_at(k.output, xo)
        .store_in(MemoryType::Stack)
        .bound_extent(k.x, tile.pixels)
        .bound_extent(k.c, block)
        .vectorize(k.c)
        .unroll(k.x);
    k.output.specialize(k.lo >= k.zero_point);
  }
}

// A tile of pixels x vectors sums stays in registers over the whole reduction. 16 bytes of a pixel are loaded once and
// feed four steps, each by the element that it wants.
void schedule_dotprod(ConvolutionKernel& k, Schedule tile) {
  Var xo("xo");
  schedule_tiles(k, tile, xo);
  k.sum.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.x, tile.pixels)
      .bound_extent(k.c, kLanes * tile.vectors)
      .vectorize(k.c, kLanes)
      .unroll(k.c)
      .unroll(k.x);
  Var ci("ci");
  k.sum.update()
      .split(k.c, k.c, ci, kLanes)
      .reorder(k.r.x, ci, k.c, k.x, k.r.y, k.r.z, k.r.w)
      .atomic()
      .vectorize(k.r.x)
      .vectorize(ci)
      .unroll(k.c)
      .unroll(k.x)
      .unroll(k.r.y);
  k.row.compute_at(k.sum, k.r.z)
      .store_in(MemoryType::Stack)
      .bound_extent(k.k, 16)
      .bound_extent(k.x, tile.pixels)
      .vectorize(k.k)
      .unroll(k.x);
  promise_layout(k, 4);
}

void schedule_neon(ConvolutionKernel& k, Schedule tile) {
  Var xo("xo"), group("group"), ci("ci");
  schedule_tiles(k, tile, xo);
  k.sum.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.x, tile.pixels)
      .bound_extent(k.c, kLanes * tile.vectors)
      .split(k.c, group, k.c, kLanes)
      .reorder(k.c, k.x, group)
      .vectorize(k.c)
      .unroll(k.x);
  k.joined.compute_at(k.sum, group).store_in(MemoryType::Stack).vectorize(k.c).unroll(k.x);
  k.joined.update().reorder(k.lanes, k.c, k.x).atomic().vectorize(k.lanes).vectorize(k.c).unroll(k.x);
  k.partial.compute_at(k.sum, group)
      .store_in(MemoryType::Stack)
      .bound_extent(k.lane, 4)
      .bound_extent(k.c, kLanes)
      .bound_extent(k.x, tile.pixels)
      .vectorize(k.lane)
      .unroll(k.c)
      .unroll(k.x);
  k.partial.update()
      .reorder(k.r.x, k.lane, k.c, k.x, k.r.y, k.r.z)
      .atomic()
      .vectorize(k.r.x)
      .vectorize(k.lane)
      .unroll(k.c)
      .unroll(k.x);
  k.row.compute_at(k.partial, k.r.y)
      .store_in(MemoryType::Stack)
      .bound_extent(k.k, 16)
      .bound_extent(k.x, tile.pixels)
      .vectorize(k.k)
      .unroll(k.x);
  promise_layout(k, 16);
}

}  // namespace

void schedule_convolution_arm(ConvolutionKernel& k, Target target, Schedule tile) {
  if (target == Target::Dotprod)
    schedule_dotprod(k, tile);
  else
    schedule_neon(k, tile);
}

}  // namespace octet
