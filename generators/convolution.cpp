#include "generators/convolution.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

Type input_type(Target target) { return convolution_layout(target).input_bits == 16 ? Int(16) : activation_of(target); }

Type weight_type(Target target) { return Int(convolution_layout(target).input_bits); }

}  // namespace

ConvolutionKernel::ConvolutionKernel(Target target, Output kind)
    : input(input_type(target), 1, "input"),
      offsets(Int(32), 2, "offsets"),
      weights(weight_type(target), 4, "weights"),
      channels(Int(32), 3, "channels") {
  const ConvolutionLayout layout = convolution_layout(target);
  r = RDom(0, layout.depth, 0, blocks, 0, offsets.dim(1).extent(), "r");

  // The promise is true of every table the runtime makes; without it Halide would guard each load.
  Expr row = unsafe_promise_clamped(offsets(x, r.z), 0, 1 << 30);
  Expr activation = input(row + r.y * layout.depth + r.x);
  Expr weight = weights(r.x, c % layout.lanes, r.y + blocks * r.z, c / layout.lanes);
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += cast<int32_t>(activation) * cast<int32_t>(weight);

  if (kind == Output::Sum) {
    output(c, x) = sum(c, x);
  } else {
    // A multiplier that seems to depend on x is not hoisted out of the loop over x: hoisted, its sign extension would
    // hide the high-half multiply from LLVM.
    Expr value = rescale_mulhs(sum(c, x), channels(c, kMultiplier, x), channels(c, kShift, 0), channels(c, kRound, 0),
                               channels(c, kRoundBelow, 0));
    scaled(c, x) = cast(activation_of(target), clamp(value, lo, hi));
    output(c, x) = scaled(c, x);
  }
}

std::vector<Argument> ConvolutionKernel::arguments() const {
  return {input, offsets, weights, channels, blocks, zero_point, lo, hi};
}

}  // namespace octet
