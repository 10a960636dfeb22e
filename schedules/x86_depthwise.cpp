// Depthwise convolution on x86: vpdpbusd on four interleaved taps a channel (AVX-512 VNNI), vpmaddwd on two (AVX2,
// SSE4.1).
#include "generators/rescale.h"
#include "schedules/prefetch.h"
#include "schedules/schedules.h"
#include "schedules/two_loops.h"
#include "schedules/x86_lanes.h"

namespace octet {

using namespace Halide;

namespace {

// A column that is interleaved where it is multiplied, in registers.
void schedule_column(const DepthwiseKernel& k, Func& column) {
  const DepthwiseLayout layout = depthwise_layout(Target::Avx512Vnni);
  column.store_in(MemoryType::Stack)
      .bound(k.t, 0, layout.depth)
      .bound(k.g, 0, k.groups)
      .bound_extent(k.c, layout.block)
      .bound_extent(k.Y, 1)
      .vectorize(k.c)
      .unroll(k.u)
      .unroll(k.t)
      .unroll(k.g);
}

// A column and the rows that it is made of.
void schedule_slid(DepthwiseKernel& k, Func& column, Func& loaded) {
  schedule_column(k, column);
  loaded.store_in(MemoryType::Stack)
      .bound(k.t, 0, k.last + 1)
      .bound_extent(k.c, depthwise_layout(Target::Avx512Vnni).block)
      .bound_extent(k.Y, 1)
      .vectorize(k.c)
      .unroll(k.u)
      .unroll(k.t);
}

// Halide keeps columns in registers, moves them on from pixel to pixel, and computes what a row begins with before the
// loop over its pixels. Where columns begin is found once for all blocks of a row. That row lies in the second-level
// cache, and each block's part of it in other lines: those of the next block are fetched meanwhile.
void slide_columns(DepthwiseKernel& k, const Schedule& tile, const Var& row, const Var& block) {
  const DepthwiseLayout layout = depthwise_layout(Target::Avx512Vnni);
  Var bytes("bytes");
  k.begins.compute_at(k.output, row)
      .store_in(MemoryType::Stack)
      .bound(k.u, 0, sliding_columns(tile))
      .bound(k.t, 0, k.last + 1)
      .bound_extent(k.Y, 1)
      .vectorize(k.u)
      .unroll(k.t);
  const auto schedule_of_pixel = [&](Func& columns) {
    columns.bound(k.t, 0, layout.depth)
        .bound(k.g, 0, k.groups)
        .bound_extent(k.c, layout.block)
        .bound_extent(k.Y, 1)
        .fuse(k.t, k.c, bytes)
        .vectorize(bytes)
        .unroll(k.x)
        .unroll(k.g);
  };
  schedule_of_pixel(k.held.store_at(k.output, block).compute_at(k.output, k.x).store_in(MemoryType::Register));
  Func first = k.column.clone_in(k.held), rows = k.loaded.clone_in(first);
  schedule_slid(k, first.compute_at(k.held, k.x), rows.compute_at(k.held, k.x));
  if (k.between.defined()) {
    if (splits_by_panel(Target::Avx512Vnni, tile))
      k.between.compute_at(k.output, k.x);
    else
      k.between.compute_at(k.sum, k.r[1]);
    schedule_of_pixel(k.between.store_in(MemoryType::Stack));
    schedule_slid(k, k.column.compute_at(k.between, k.x), k.loaded.compute_at(k.between, k.x));
  }
  prefetch_farther(k.output, k.input, layout.block);
}

// After all first parts, so that one branch goes round a panel's.
void schedule_second_parts(DepthwiseKernel& k, const Schedule& tile) {
  if (!splits_by_panel(Target::Avx512Vnni, tile)) return;
  k.sum.update(1)
      .reorder(k.more[0], k.c, k.x, k.y, k.more[2], k.more[1], k.p)
      .atomic()
      .vectorize(k.more[0])
      .vectorize(k.c)
      .unroll(k.x)
      .unroll(k.y)
      .unroll(k.more[1])
      .unroll(k.more[2])
      .unroll(k.p);
}

// AVX-512, 3x3, single pixels: `rows` outputs of one block of channels, all in registers. The weights stay there from
// pixel to pixel, but for those that do not fit, and are loaded once for all rows; the columns are interleaved once for
// each output that they serve, which costs less than to store them and to wait for them, and one at a time, so that a
// column's products go on beside the next one's interleaving.
void schedule_single_pixels(DepthwiseKernel& k, const Schedule& tile) {
  constexpr int kBlock = depthwise_layout(Target::Avx512Vnni).block, kLanes = 16;
  Var co("co"), yo("yo"), cv("cv");
  k.output.compute_root()
      .split(k.c, co, k.c, kBlock, TailStrategy::GuardWithIf)
      .split(k.y, yo, k.y, tile.rows, TailStrategy::GuardWithIf)
      .reorder(k.c, k.y, k.x, yo, co)
      .vectorize(k.c)
      .unroll(k.y);
  if (tile.sliding) k.output.reorder(k.c, k.y, k.x, co, yo);
  k.scaled.compute_at(k.output, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, kBlock)
      .bound_extent(k.x, 1)
      .bound_extent(k.y, tile.rows)
      .split(k.c, k.c, cv, kLanes)
      .vectorize(cv)
      .unroll(k.c)
      .unroll(k.y);
  k.sum.compute_at(k.output, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, kLanes)
      .bound_extent(k.p, kBlock / kLanes)
      .bound_extent(k.x, 1)
      .bound_extent(k.y, tile.rows)
      .vectorize(k.c)
      .unroll(k.p)
      .unroll(k.y);
  k.sum.update()
      .reorder(k.r[0], k.c, k.p, k.y, k.x, k.r[3], k.r[2], k.r[1])
      .atomic()
      .vectorize(k.r[0])
      .vectorize(k.c)
      .unroll(k.p)
      .unroll(k.y)
      .unroll(k.r[1])
      .unroll(k.r[2])
      .unroll(k.r[3]);
  schedule_second_parts(k, tile);
  if (tile.sliding)
    slide_columns(k, tile, yo, co);
  else
    schedule_column(k, k.column.compute_at(k.sum, k.r[1]));
}

// AVX-512, 3x3, two pixels by two rows: a weight that is loaded serves both pixels, a column up to four outputs. Four
// columns of a block of channels take half of the registers; so one vector of channels after the other is summed and
// rescaled.
void schedule_two_pixels(DepthwiseKernel& k, const Schedule& tile) {
  constexpr int kBlock = depthwise_layout(Target::Avx512Vnni).block, kLanes = 16;
  Var co("co"), xo("xo"), yo("yo"), cv("cv");
  k.output.compute_root()
      .split(k.c, co, k.c, kBlock, TailStrategy::GuardWithIf)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::GuardWithIf)
      .split(k.y, yo, k.y, tile.rows, TailStrategy::GuardWithIf)
      .reorder(k.c, k.y, k.x, xo, yo, co)
      .vectorize(k.c)
      .unroll(k.x)
      .unroll(k.y);
  k.scaled.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, kBlock)
      .bound_extent(k.x, tile.pixels)
      .bound_extent(k.y, tile.rows)
      .split(k.c, k.c, cv, kLanes)
      .reorder(cv, k.y, k.x, k.c)
      .vectorize(cv)
      .unroll(k.x)
      .unroll(k.y)
      .unroll(k.c);
  k.sum.compute_at(k.scaled, k.c)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, kLanes)
      .bound_extent(k.p, 1)
      .vectorize(k.c)
      .unroll(k.x)
      .unroll(k.y);
  k.sum.update()
      .reorder(k.r[0], k.c, k.x, k.y, k.r[3], k.r[2], k.r[1])
      .atomic()
      .vectorize(k.r[0])
      .vectorize(k.c)
      .unroll(k.x)
      .unroll(k.y)
      .unroll(k.r[1])
      .unroll(k.r[2])
      .unroll(k.r[3]);
  schedule_second_parts(k, tile);
  schedule_column(k, k.column.compute_at(k.output, xo));
}

void schedule_in_registers(DepthwiseKernel& k, const Schedule& tile) {
  if (tile.pixels == 1)
    schedule_single_pixels(k, tile);
  else
    schedule_two_pixels(k, tile);
  // A ReLU6 that fills the bytes clamps nothing: two instructions less.
  if (tile.sliding) k.output.specialize(k.zero_point == 0 && k.lo == 0 && k.hi == 255);
  if (splits_by_panel(Target::Avx512Vnni, tile) && tile.sliding) ask_before_loops(k.output, k.channels);
  k.scaled.specialize(has_zero_lowest(k.zero_point));
  promise_layout(k, Target::Avx512Vnni);
  keep_within_lanes(k.output, depthwise_layout(Target::Avx512Vnni).block);
}

}  // namespace

// A tile of `pixels` x `rows` outputs of one block of channels: its columns are interleaved once, on the stack; then
// one vector of channels after the other is summed and rescaled; then whole vectors of bytes are narrowed and stored.
// Unrolled further, LLVM's scheduler would spill. A row below the last has room there but is not summed.
void schedule_depthwise_x86(DepthwiseKernel& k, Target target, const Schedule& tile) {
  if (stays_in_registers(target, tile)) return schedule_in_registers(k, tile);
  const int block = depthwise_layout(target).block, lanes = convolution_layout(target).lanes;
  const int byte_lanes = std::min(block, 4 * lanes);
  Var co("co"), xo("xo"), yo("yo"), cv("cv");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::GuardWithIf)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::GuardWithIf)
      .split(k.y, yo, k.y, tile.rows, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, k.y, xo, co, yo)
      .split(k.c, k.c, cv, byte_lanes, TailStrategy::GuardWithIf)
      .vectorize(cv)
      .unroll(k.c);
  // A number of vectors that LLVM does not know.
  const Expr vectors = min(k.weights.dim(3).extent(), block / lanes);
  k.scaled.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, vectors * lanes)
      .bound_extent(k.x, tile.pixels)
      .bound_storage(k.y, tile.rows)
      .split(k.c, k.c, cv, lanes)
      .reorder(cv, k.y, k.x, k.c)
      .vectorize(cv)
      .unroll(k.x)
      .unroll(k.y);
  k.sum.compute_at(k.scaled, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.c, lanes)
      .bound_extent(k.x, 1)
      .vectorize(k.c)
      .unroll(k.y);
  k.sum.update()
      .reorder(k.r[0], k.c, k.x, k.y, k.r[1], k.r[2], k.r[3])
      .atomic()
      .vectorize(k.r[0])
      .vectorize(k.c)
      .unroll(k.y)
      .unroll(k.r[1])
      .unroll(k.r[2])
      .unroll(k.r[3]);
  if (target == Target::Avx512Vnni && splits_by_panel(target, tile)) {
    k.sum.bound_extent(k.p, 1);
    schedule_second_parts(k, tile);
  }
  k.column.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound(k.t, 0, depthwise_layout(target).depth)
      .bound(k.g, 0, k.groups)
      .bound_extent(k.c, block)
      .bound_extent(k.Y, 1)
      .vectorize(k.c, byte_lanes)
      .unroll(k.t)
      .unroll(k.g);
  k.scaled.specialize(has_zero_lowest(k.zero_point));
  promise_layout(k, target);
  if (target != Target::Sse41) keep_within_lanes(k.output, byte_lanes);
}

void schedule_depthwise_any_x86(DepthwiseAnyKernel& k, Target target) {
  const int block = depthwise_layout(target).block, lanes = convolution_layout(target).lanes;
  Var co("co"), cv("cv");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, co, k.y)
      .split(k.c, k.c, cv, lanes, TailStrategy::GuardWithIf)
      .vectorize(cv)
      .unroll(k.c);
  for (Func* stage : {&k.scaled, &k.sum}) {
    if (!stage->defined()) continue;
    stage->compute_at(k.output, k.x)
        .store_in(MemoryType::Stack)
        .bound_extent(k.c, block)
        .vectorize(k.c, lanes)
        .unroll(k.c);
  }
  k.sum.update().reorder(k.r.x, k.c, k.r.y).atomic().vectorize(k.r.x).vectorize(k.c, lanes).unroll(k.c);
  k.group.compute_at(k.sum, k.r.y)
      .store_in(MemoryType::Stack)
      .bound(k.t, 0, depthwise_layout(target).depth)
      .bound_extent(k.c, block)
      .vectorize(k.c, 16)
      .unroll(k.t)
      .unroll(k.c);
  promise_layout(k, target);
  keep_within_lanes(k.output, 16);
}

}  // namespace octet
