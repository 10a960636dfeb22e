// x86: SSE4.1 and AVX2 (vpmaddwd on pairs of int16; AVX2 also vpmaddubsw on pairs of bytes), AVX-512 VNNI (vpdpbusd on
// groups of four bytes).
#include <numeric>

#include "generators/rescale.h"
#include "schedules/overlap_tiles.h"
#include "schedules/prefetch.h"
#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

// A register tile of `pixels` x `vectors` accumulators stays in registers over the whole reduction. A step of the inner
// loop loads `vectors` vectors of weights and broadcasts one group of activations a pixel. Channel blocks are
// outermost, so that a block's weights stay in cache while all pixels pass.
void schedule_convolution_x86(ConvolutionKernel& k, const KernelInfo& info) {
  const Target target = info.target;
  const Schedule& tile = info.schedule;
  const ConvolutionLayout layout = convolution_layout(target);
  const int block = layout.lanes * tile.vectors;
  // Two vectors are narrowed at once; AVX-512 has room for four, if need be of neighbouring pixels.
  const int most = target == Target::Avx512Vnni ? 4 : 2, narrowed = std::gcd(tile.vectors, most);
  const bool joins = k.out_adjoins && narrowed == tile.vectors;
  const int joined = joins ? std::gcd(tile.pixels, most / narrowed) : 1;
  Var co("co"), xo("xo"), cv("cv"), xv("xv");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::RoundUp)
      .split(k.x, xo, k.x, tile.pixels, TailStrategy::RoundUp)
      .split(k.x, k.x, xv, joined)
      .split(k.c, k.c, cv, layout.lanes * narrowed)
      .reorder(cv, xv, k.c, k.x, xo, k.y, co)
      .vectorize(cv)
      .vectorize(xv)
      .unroll(k.c);
  // Rescaled in floating point, sums need not leave the registers that they are in; in fixed point, which takes more of
  // them, LLVM would spill nearly every value.
  const bool in_registers = rescales_in_float(info);
  if (in_registers) k.output.unroll(k.x);
  if (info.family == Family::ConvolutionAdd && !adds_wide(info)) {
    // All pixels are rescaled before anything is added to the first: cores look ahead some 64 instructions, which is
    // less than a pixel takes from its sums to its bytes, nearly each waiting for the one before.
    k.scaled.compute_at(k.output, xo)
        .store_in(MemoryType::Stack)
        .bound_extent(k.x, tile.pixels)
        .bound_extent(k.c, block)
        .vectorize(k.c, layout.lanes * narrowed)
        .unroll(k.c);
    if (in_registers) k.scaled.unroll(k.x);
  }
  k.sum.compute_at(k.output, xo)
      .store_in(MemoryType::Stack)
      .bound_extent(k.x, tile.pixels)
      .bound_extent(k.c, block)
      .vectorize(k.c, layout.lanes)
      .unroll(k.c)
      .unroll(k.x);
  const auto by_step = [&](int index, const RDom& r) {
    return k.sum.update(index).atomic().vectorize(r.x).vectorize(k.c, layout.lanes).unroll(k.c).unroll(k.x).unroll(r.y);
  };
  if (adds_bytes(info)) {
    k.sum.update().reorder(k.c, k.x, k.r.x, k.r.y).vectorize(k.c, layout.lanes).unroll(k.c).unroll(k.x);
  } else if (k.pieces.empty()) {
    k.sum.update().reorder(k.r.x, k.c, k.x, k.r.y, k.r.z, k.r.w);
    by_step(0, k.r);
    if (takes_excess_apart(info)) {
      k.sum.update(1).reorder(k.e.x, k.c, k.x, k.e.y);
      k.sum.update(1).atomic().vectorize(k.e.x).vectorize(k.c, layout.lanes).unroll(k.c).unroll(k.x);
    }
  }
  for (size_t i = 0; i < k.pieces.size(); i++) {
    const auto& [r, unrolled] = k.pieces[i];
    k.sum.update(static_cast<int>(i)).reorder(r.x, k.c, k.x, r.y, r.z);
    if (r.dimensions() > 3) k.sum.update(static_cast<int>(i)).reorder(r.z, r.w);
    Stage stage = by_step(static_cast<int>(i), r);
    if (unrolled) stage.unroll(r.z);
  }
  if (rescales_in_float(info)) k.output.specialize(has_zero_lowest(k.zero_point));
  promise_layout(k, info);
  if (tile.overlapping > 0) overlap_tiles(k.output, k.sum, k.weights, k.unknown_zero);
  if (target == Target::Avx512Vnni && tile.pixels > 1) prefetch_next_block(k.output, k.weights);
}

}  // namespace octet
