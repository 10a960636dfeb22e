// Depthwise convolution on 64-bit Arm: sdot on four interleaved taps of a channel (dotprod); smull and smlal on pairs
// of taps as they lie (NEON).
#include "generators/rescale.h"
#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

constexpr int kBlock = 16;  // channels of a vector of bytes
constexpr int kLanes = 4;   // channels of a vector of sums

void schedule_columns(DepthwiseKernel& k, const Schedule& tile, const Var& level) {
  k.sum.update()
      .reorder(k.r[0], k.c, k.x, k.y, k.r[1], k.r[2], k.r[3])
      .atomic()
      .vectorize(k.r[0])
      .vectorize(k.c, kLanes)
      .unroll(k.c)
      .unroll(k.x)
      .unroll(k.y)
      .unroll(k.r[1])
      .unroll(k.r[2])
      .unroll(k.r[3]);
  k.column.compute_at(k.output, level)
      .store_in(MemoryType::Stack)
      .bound(k.t, 0, depthwise_layout(Target::Dotprod).depth)
      .bound(k.g, 0, k.groups)
      .bound_extent(k.c, kBlock)
      .bound_extent(k.Y, 1)
      .vectorize(k.c)
      .unroll(k.t)
      .unroll(k.g);
  if (tile.pixels == 1) k.column.unroll(k.u);
}

}  // namespace

// Columns are interleaved once and serve all outputs of a tile. Where neighbouring pixels share them a whole row of
// columns is interleaved ahead.
void schedule_depthwise_arm(DepthwiseKernel& k, Target target, const Schedule& tile) {
  Var co("co"), xo("xo"), yo("yo");
  k.output.compute_root()
      .split(k.c, co, k.c, kBlock, TailStrategy::GuardWithIf)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::GuardWithIf)
      .split(k.y, yo, k.y, tile.rows, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, k.y, xo, yo, co)
      .vectorize(k.c)
      .unroll(k.x)
      .unroll(k.y);
  for (Func* stage : {&k.scaled, &k.sum}) {
    if (stage == &k.sum && target == Target::Neon) continue;  // part of `scaled`
    stage->compute_at(k.output, xo)
        .store_in(MemoryType::Stack)
        .bound_extent(k.c, kBlock)
        .bound_extent(k.x, tile.pixels)
        .bound_extent(k.y, tile.rows)
        .vectorize(k.c, stage == &k.sum ? kLanes : kBlock)
        .unroll(k.c)
        .unroll(k.x)
        .unroll(k.y);
  }
  specialize_rescaled_arm(k.scaled, k.fits_int16, k.zero_point, k.lo, k.hi);
  // Networks' first depthwise layers have channels with large weights, of which some results do not fit in 16 bits. (On
  // NEON, LLVM would spill for one form more.)
  if (target == Target::Dotprod) k.scaled.specialize(k.fits_int16 == 0 && clamps_below_at_zero(k.zero_point, k.lo));
  if (target == Target::Dotprod) schedule_columns(k, tile, tile.pixels > 1 ? yo : xo);
  promise_layout(k, target);
}

void schedule_depthwise_any_arm(DepthwiseAnyKernel& k, Target target) {
  Var co("co");
  k.output.compute_root()
      .split(k.c, co, k.c, kBlock, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, co, k.y)
      .vectorize(k.c);
  if (k.scaled.defined())
    k.scaled.compute_at(k.output, k.x).store_in(MemoryType::Stack).bound_extent(k.c, kBlock).vectorize(k.c);
  const int lanes = target == Target::Dotprod ? kLanes : kBlock;
  k.sum.compute_at(k.output, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, kBlock)
      .vectorize(k.c, lanes)
      .unroll(k.c);
  k.sum.update().reorder(k.r.x, k.c, k.r.y).atomic().vectorize(k.r.x).vectorize(k.c, lanes).unroll(k.c);
  k.group.compute_at(k.sum, k.r.y)
      .store_in(MemoryType::Stack)
      .bound(k.t, 0, depthwise_layout(target).depth)
      .bound_extent(k.c, kBlock)
      .vectorize(k.c)
      .unroll(k.t);
  promise_layout(k, target);
}

}  // namespace octet
