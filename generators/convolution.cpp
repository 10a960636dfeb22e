#include "generators/convolution.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

Type input_type(Target target) { return convolution_layout(target).input_bits == 16 ? Int(16) : activation_of(target); }

Type weight_type(Target target) { return Int(convolution_layout(target).input_bits); }

// A loop that surely runs needs no test before it.
Expr at_least_once(const Expr& extent) { return max(extent, 1); }

}  // namespace

ConvolutionKernel::ConvolutionKernel(Target target, Output kind, int products)
    : input(input_type(target), 1, "input"),
      offsets(Int(32), 2, "offsets"),
      weights(weight_type(target), 4, "weights"),
      channels(Int(32), 3, "channels") {
  // The promise is true of every table the runtime makes; without it Halide would guard each load.
  row(k, x, t) = input(unsafe_promise_clamped(offsets(x, t), 0, 1 << 30) + k);
  if (target == Target::Neon)
    define_sum_neon(products);
  else if (target == Target::Dotprod)
    define_sum_dotprod();
  else
    define_sum_x86(convolution_layout(target));

  if (kind == Output::Sum) {
    output(c, x) = sum(c, x);
  } else {
    scaled(c, x) = rescaled(target, sum(c, x), channels, c, x, zero_point, lo, hi);
    output(c, x) = scaled(c, x);
  }
}

void ConvolutionKernel::define_sum_x86(ConvolutionLayout layout) {
  r = RDom(0, layout.depth, 0, blocks, 0, offsets.dim(1).extent(), "r");
  Expr weight = weights(r.x, c % layout.lanes, r.y + blocks * r.z, c / layout.lanes);
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += cast<int32_t>(row(r.y * layout.depth + r.x, x, r.z)) * cast<int32_t>(weight);
}

void ConvolutionKernel::define_sum_dotprod() {
  r = RDom({{0, 4}, {0, 4}, {0, at_least_once(blocks / 4)}, {0, at_least_once(offsets.dim(1).extent())}}, "r");
  Expr block = r.z * 4 + r.y;
  Expr weight = weights(r.x, c % 4, block + blocks * r.w, c / 4);
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += cast<int32_t>(row(block * 4 + r.x, x, r.w)) * cast<int32_t>(weight);
}

// Lane l takes k = 2 l, 2 l + 1 and the same of every further 8: smull of the low halves, smlal2 of the high ones, then
// sadalp adds neighbours to the 32-bit lanes.
void ConvolutionKernel::define_sum_neon(int products) {
  const int blocks_at_once = products / 2;
  r = RDom({{0, 2}, {0, at_least_once(blocks / blocks_at_once)}, {0, at_least_once(offsets.dim(1).extent())}}, "r");
  const auto product = [&](int part) {
    Expr i = 2 * lane + r.x + part % 2 * 8, block = r.y * blocks_at_once + part / 2;
    Expr weight = weights(i, c % 4, block + blocks * r.z, c / 4);
    return cast<int16_t>(row(block * 16 + i, x, r.z)) * cast<int16_t>(weight);
  };
  Expr added = product(0);
  for (int part = 1; part < products; part++) added += product(part);
  partial(lane, c, x) = 0;
  partial(lane, c, x) += cast<int32_t>(added);
  lanes = RDom(0, 4, "lanes");
  joined(c, x) = 0;
  joined(c, x) += partial(lanes, c, x);
  sum(c, x) = joined(c, x) + channels(c, kBias, 0);
}

std::vector<Argument> ConvolutionKernel::arguments() const {
  return {input, offsets, weights, channels, blocks, zero_point, lo, hi};
}

}  // namespace octet
