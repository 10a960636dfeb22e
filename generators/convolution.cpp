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

ConvolutionKernel::ConvolutionKernel(Target target, Output kind)
    : input(input_type(target), 1, "input"),
      offsets(Int(32), 2, "offsets"),
      weights(weight_type(target), 4, "weights"),
      channels(Int(32), 3, "channels") {
  // The promise is true of every table the runtime makes; without it Halide would guard each load.
  row(k, x, t) = input(unsafe_promise_clamped(offsets(x, t), 0, 1 << 30) + k);
  if (target == Target::Neon)
    define_sum_neon();
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

// Lane l takes k = 2 l, 2 l + 1 and 8 more of each block of 16: smull of the low halves, smlal2 of the high ones, then
// sadalp adds neighbours to the 32-bit lanes.
void ConvolutionKernel::define_sum_neon() {
  r = RDom({{0, 2}, {0, at_least_once(blocks)}, {0, at_least_once(offsets.dim(1).extent())}}, "r");
  const auto product = [&](const Expr& i) {
    Expr weight = weights(i, c % 4, r.y + blocks * r.z, c / 4);
    return cast<int16_t>(row(r.y * 16 + i, x, r.z)) * cast<int16_t>(weight);
  };
  Expr i = 2 * lane + r.x;
  partial(lane, c, x) = 0;
  partial(lane, c, x) += cast<int32_t>(product(i) + product(i + 8));
  lanes = RDom(0, 4, "lanes");
  joined(c, x) = 0;
  joined(c, x) += partial(lanes, c, x);
  sum(c, x) = joined(c, x) + channels(c, kBias, 0);
}

std::vector<Argument> ConvolutionKernel::arguments() const {
  return {input, offsets, weights, channels, blocks, zero_point, lo, hi};
}

}  // namespace octet
