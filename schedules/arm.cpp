// Convolution on 64-bit Arm: NEON of Armv8.0 (smull, smlal2, sadalp), and with dot products (sdot by element).
#include "generators/rescale.h"
#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

constexpr int kLanes = 4;  // output channels of a vector of sums

void promise_layout(ConvolutionKernel& k, Target target) {
  const int depth = convolution_layout(target).depth;
  k.input.dim(0).set_min(0);
  k.offsets.dim(0).set_min(0);
  k.offsets.dim(1).set_min(0);
  k.excess.dim(0).set_bounds(0, 2).set_stride(1);
  k.excess.dim(1).set_min(0).set_stride(2);
  k.weights.dim(0).set_bounds(0, depth).set_stride(1);
  k.weights.dim(1).set_bounds(0, kLanes).set_stride(depth);
  k.weights.dim(2).set_min(0).set_stride(depth * kLanes);
  k.weights.dim(3).set_min(0);
  k.weights.set_host_alignment(16);
  for (int d = 0; d < 3; d++) k.channels.dim(d).set_min(0);
  k.channels.set_host_alignment(16);
  for (int d = 0; d < 3; d++) k.output.output_buffer().dim(d).set_min(0);
}

// Channel blocks outermost, so that a block's weights stay in the first-level cache while all pixels pass.
void schedule_tiles(ConvolutionKernel& k, Schedule tile, const Var& xo) {
  const int block = kLanes * tile.vectors;
  Var co("co");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::RoundUp)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::GuardWithIf)
      .reorder(k.c, k.x, xo, k.y, co)
      .vectorize(k.c)
      .unroll(k.x);
  for (Func* stage : {&k.scaled, &k.sum}) {
    if (!stage->defined()) continue;
    stage->compute_at(k.output, xo).store_in(MemoryType::Stack).bound_extent(k.x, tile.pixels).bound_extent(k.c, block);
  }
  if (k.scaled.defined()) {
    k.scaled.vectorize(k.c).unroll(k.x);
    specialize_rescaled_arm(k.scaled, k.zero_point, k.lo, k.hi);
  }
}

// A tile of pixels x vectors sums stays in registers over the whole reduction. 16 bytes of a pixel are loaded once and
// feed four steps, each by the element that it wants.
void schedule_dotprod(ConvolutionKernel& k, Schedule tile) {
  Var ci("ci");
  k.sum.vectorize(k.c, kLanes).unroll(k.c).unroll(k.x);
  const auto schedule_steps = [&](Stage update, const RDom& r) {
    update.atomic().vectorize(r.x).vectorize(ci).unroll(k.c).unroll(k.x).unroll(r.y);
  };
  for (Stage update : {k.sum.update(0), k.sum.update(1)}) update.split(k.c, k.c, ci, kLanes);
  k.sum.update(0).reorder(k.r.x, ci, k.c, k.x, k.r.y, k.r.z, k.r.w);
  k.sum.update(1).reorder(k.re.x, ci, k.c, k.x, k.re.y, k.re.z);
  schedule_steps(k.sum.update(0), k.r);
  schedule_steps(k.sum.update(1), k.re);
  k.row.compute_at(k.sum, k.r.z);
  k.excess_row.compute_at(k.sum, k.re.z);
  for (Func* row : {&k.row, &k.excess_row})
    row->store_in(MemoryType::Stack).bound_extent(k.k, 16).bound_extent(k.x, tile.pixels).vectorize(k.k).unroll(k.x);
}

// Registers hold pixels x 4 channels, each sum in four lanes. Their totals, of one group of channels after the other,
// go to the stack: rescaling 16 channels at once costs half of four times four.
void schedule_neon(ConvolutionKernel& k, Schedule tile) {
  Var group("group");
  k.sum.split(k.c, group, k.c, kLanes).reorder(k.c, k.x, group).vectorize(k.c).unroll(k.x);
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
  k.partial.update(0).reorder(k.r.x, k.lane, k.c, k.x, k.r.y, k.r.z).atomic().vectorize(k.r.x);
  k.partial.update(1).reorder(k.re.x, k.lane, k.c, k.x, k.re.y).atomic().vectorize(k.re.x);
  for (Stage update : {k.partial.update(0), k.partial.update(1)}) update.vectorize(k.lane).unroll(k.c).unroll(k.x);
  // A pixel is loaded just before its products, the weights once for all pixels: more loaded ahead would spill.
  k.row.compute_at(k.partial, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.k, 8 * tile.products)
      .vectorize(k.k, 16)
      .unroll(k.k);
  Func panel = k.weights.in(k.partial);
  const std::vector<Var> d = panel.args();
  panel.compute_at(k.partial, k.r.y)
      .store_in(MemoryType::Stack)
      .bound_extent(d[0], 16)
      .bound_extent(d[1], kLanes)
      .bound_extent(d[2], tile.products / 2)
      .vectorize(d[0])
      .unroll(d[1])
      .unroll(d[2]);
}

}  // namespace

// The order is from the commonest: ReLUs of a zero point that is the least value, without and with a clamp above,
// outputs without a clamp, other ReLUs.
void specialize_rescaled_arm(Func& scaled, const Expr& zero_point, const Expr& lo, const Expr& hi) {
  scaled.specialize(clamps_below_at_zero(zero_point, lo) && hi == 127);
  scaled.specialize(clamps_below_at_zero(zero_point, lo));
  scaled.specialize(lo == -128 && hi == 127 && zero_point > -128);
  scaled.specialize(lo >= zero_point);
}

void schedule_convolution_arm(ConvolutionKernel& k, Target target, Schedule tile) {
  Var xo("xo");
  schedule_tiles(k, tile, xo);
  if (target == Target::Dotprod)
    schedule_dotprod(k, tile);
  else
    schedule_neon(k, tile);
  promise_layout(k, target);
}

}  // namespace octet
