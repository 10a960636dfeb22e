// Convolution on 64-bit Arm: NEON of Armv8.0 (smull, smlal2, sadalp), and with dot products (sdot by element).
#include "generators/rescale.h"
#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

constexpr int kLanes = 4;  // output channels of a vector of sums

// Channel blocks outermost, so that a block's weights stay in the first-level cache while all pixels pass.
void schedule_tiles(ConvolutionKernel& k, Schedule tile, bool pairs, const Var& xo) {
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
    stage->compute_at(k.output, xo)
        .store_in(MemoryType::Stack)
        .bound_extent(k.x, pairs ? tile.pixels / 2 : tile.pixels)
        .bound_extent(k.c, pairs ? block * 2 : block);
  }
  if (k.scaled.defined()) {
    k.scaled.vectorize(k.c, block).unroll(k.c).unroll(k.x);
    specialize_rescaled_arm(k.scaled, k.fits_int16, k.zero_point, k.lo, k.hi);
  }
}

// Whether registers hold a tile's sums, a vector of each pixel's channels, and all weights that these then meet. Where
// they do not, a vector of weights meets all pixels before the next one is loaded. (Of three vectors a pixel LLVM loads
// some ahead.)
bool weights_fit(const KernelInfo& info) {
  const Schedule& s = info.schedule;
  return s.pixels * s.vectors + s.pixels + s.vectors < 32 && step_of(info) <= 32;
}

// A tile of pixels x vectors sums stays in registers over the whole reduction. A vector of a pixel's channels is loaded
// once and feeds several multiplies, each by the element that it wants.
void schedule_by_element(ConvolutionKernel& k, const KernelInfo& info) {
  Var ci("ci");
  const Var &inner = weights_fit(info) ? k.c : k.x, &outer = weights_fit(info) ? k.x : k.c;
  // Of weights in 16 bits, whole registers too: smlal takes one's lower half, smlal2 the upper.
  const int lanes = packed_depth(info) == 1 && info.schedule.vectors % 2 == 0 ? 2 * kLanes : kLanes;
  k.sum.vectorize(k.c, kLanes).unroll(k.c).unroll(k.x);
  // Whole vectors, also where fewer channels are wanted: of half ones LLVM moves the elements.
  const int step = step_of(info), loaded = packed_depth(info) == 1 ? 8 : 16;
  RVar vector("vector"), group("group");
  k.sum.update()
      .split(k.c, k.c, ci, lanes)
      .split(k.r.y, vector, group, std::min(step, 16) / packed_depth(info))
      .reorder(k.r.x, ci, inner, outer, group, vector, k.r.z, k.r.w)
      .vectorize(ci)
      .unroll(k.c)
      .unroll(k.x)
      .unroll(group)
      .unroll(vector);
  k.sum.update(1).split(k.c, k.c, ci, lanes).reorder(k.e.x, ci, k.c, k.x, k.e.y).vectorize(ci).unroll(k.c).unroll(k.x);
  if (packed_depth(info) > 1) {
    k.sum.update(0).atomic().vectorize(k.r.x);
    k.sum.update(1).atomic().vectorize(k.e.x);
  }
  k.row.compute_at(k.sum, vector).bound_extent(k.x, info.schedule.pixels / info.schedule.joined).unroll(k.x);
  k.excess_row.compute_at(k.sum, k.x);  // just before its products: not all pixels' have registers
  for (Func* row : {&k.row, &k.excess_row}) row->store_in(MemoryType::Stack).bound_extent(k.k, loaded).vectorize(k.k);
}

// Registers hold pixels x 4 channels, each sum in four lanes. Their totals, of one group of channels after the other,
// go to the stack: rescaling 16 channels at once costs half of four times four.
void schedule_pairs(ConvolutionKernel& k, Schedule tile) {
  Var group("group");
  k.sum.split(k.c, group, k.c, kLanes).reorder(k.c, k.x, group).vectorize(k.c).unroll(k.x);
  // Unrolled, each group knows where its weights begin: rolled, LLVM adds that up in the innermost loop. With more
  // products a step, or sums that leave by another way, it would spill.
  if (tile.step == 16 && k.scaled.defined()) k.sum.unroll(group);
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
  k.partial.update().reorder(k.r.x, k.lane, k.c, k.x, k.r.y, k.r.z).atomic().vectorize(k.r.x);
  k.partial.update().vectorize(k.lane).unroll(k.c).unroll(k.x);
  // A pixel is loaded just before its products, the weights once for all pixels: more loaded ahead would spill.
  k.row.compute_at(k.partial, k.x)
      .store_in(MemoryType::Stack)
      .bound_extent(k.k, tile.step)
      .vectorize(k.k, 16)
      .unroll(k.k);
  k.step_weights.compute_at(k.partial, k.r.y)
      .store_in(MemoryType::Stack)
      .bound_extent(k.k, tile.step)
      .bound_extent(k.c, kLanes)
      .vectorize(k.k, 16)
      .unroll(k.k)
      .unroll(k.c);
}

// Registers hold pairs of pixels x pairs of channels, in words of two sums.
void schedule_pixel_pairs(ConvolutionKernel& k, const Schedule& tile, const Var& xo) {
  const int pairs = tile.pixels / 2, channel_pairs = tile.vectors * kLanes / 2;
  k.sum.vectorize(k.c, kLanes).unroll(k.c).unroll(k.x);
  k.partial.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.lane, 2)
      .bound_extent(k.c, channel_pairs)
      .bound_extent(k.x, pairs)
      .vectorize(k.lane)
      .unroll(k.c)
      .unroll(k.x);
  k.partial.update()
      .reorder(k.lane, k.x, k.c, k.r.x, k.r.y, k.r.z)
      .vectorize(k.lane)
      .unroll(k.c)
      .unroll(k.x)
      .unroll(k.r.x);
}

}  // namespace

// The order is from the commonest: ReLUs of a zero point that is the least value, without and with a clamp above,
// outputs without a clamp, other ReLUs.
void specialize_rescaled_arm(Func& scaled, const Expr& fits_int16, const Expr& zero_point, const Expr& lo,
                             const Expr& hi) {
  const Expr fit = are_int16(fits_int16);
  scaled.specialize(fit && clamps_below_at_zero(zero_point, lo) && hi == 127);
  scaled.specialize(fit && clamps_below_at_zero(zero_point, lo));
  scaled.specialize(fit && lo == -128 && hi == 127 && zero_point > -128);
  scaled.specialize(fit && lo >= zero_point);
}

void schedule_convolution_arm(ConvolutionKernel& k, const KernelInfo& info) {
  Var xo("xo");
  schedule_tiles(k, info.schedule, takes_pixel_pairs(info), xo);
  if (takes_pixel_pairs(info))
    schedule_pixel_pairs(k, info.schedule, xo);
  else if (adds_pairs(info))
    schedule_pairs(k, info.schedule);
  else
    schedule_by_element(k, info);
  promise_layout(k, info);
}

}  // namespace octet
