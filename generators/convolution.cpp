#include "generators/convolution.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

Type input_type(Target target) { return convolution_layout(target).input_bits == 16 ? Int(16) : activation_of(target); }

// A loop that surely runs needs no test before it.
Expr at_least_once(const Expr& extent) { return max(extent, 1); }

}  // namespace

ConvolutionKernel::ConvolutionKernel(const KernelInfo& info, Output kind)
    : input(input_type(info.target), 1, "input"),
      offsets(Int(32), 2, "offsets"),
      excess(Int(32), 2, "excess"),
      weights(Int(weight_bits(info)), 4, "weights"),
      channels(Int(32), 3, "channels") {
  const Target target = info.target;
  // The promises are true of every table the runtime makes; without them Halide would guard each load.
  const auto element = [&](const Expr& tap, const Expr& channel) {
    return input(unsafe_promise_clamped(offsets(x, tap), 0, 1 << 30) + channel);
  };
  row(k, x, t) = element(t, k);
  excess_row(k, x, e) = element(unsafe_promise_clamped(excess(0, e), 0, offsets.dim(1).extent() - 1),
                                unsafe_promise_clamped(excess(1, e), 0, 1 << 30) + k);
  if (target == Target::Neon)
    define_sum_neon(info.schedule.products);
  else if (target == Target::Dotprod)
    define_sum_dotprod();
  else
    define_sum_x86(convolution_layout(target));

  if (kind == Output::Sum) {
    output(c, x, y) = sum(c, x + y * width);
  } else {
    scaled(c, x) = rescaled(target, sum(c, x), channels, c, x, zero_point, lo, hi);
    output(c, x, y) = scaled(c, x + y * width);
  }
}

void ConvolutionKernel::define_sum_x86(ConvolutionLayout layout) {
  Expr taps = at_least_once(offsets.dim(1).extent());
  const auto product = [&](const Expr& activation, const Expr& i, const Expr& step) {
    return cast<int32_t>(activation) * cast<int32_t>(weights(i, c % layout.lanes, step, c / layout.lanes));
  };
  r = RDom(0, layout.depth, 0, at_least_once(blocks), 0, taps, "r");
  re = RDom(0, layout.depth, 0, excess.dim(1).extent(), "re");
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += product(row(r.y * layout.depth + r.x, x, r.z), r.x, r.y + blocks * r.z);
  sum(c, x) += product(excess_row(re.x, x, re.y), re.x, blocks * taps + re.y);
}

void ConvolutionKernel::define_sum_dotprod() {
  Expr taps = at_least_once(offsets.dim(1).extent());
  const auto product = [&](const Expr& activation, const Expr& i, const Expr& step) {
    return cast<int32_t>(activation) * cast<int32_t>(weights(i, c % 4, step, c / 4));
  };
  r = RDom({{0, 4}, {0, 4}, {0, at_least_once(blocks / 4)}, {0, taps}}, "r");
  re = RDom({{0, 4}, {0, 4}, {0, excess.dim(1).extent()}}, "re");
  Expr block = r.z * 4 + r.y;
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += product(row(block * 4 + r.x, x, r.w), r.x, block + blocks * r.w);
  sum(c, x) += product(excess_row(re.y * 4 + re.x, x, re.z), re.x, blocks * taps + re.z * 4 + re.y);
}

// Lane l takes k = 2 l, 2 l + 1 and the same of every further 8: smull of the low halves, smlal2 of the high ones, then
// sadalp adds neighbours to the 32-bit lanes.
void ConvolutionKernel::define_sum_neon(int products) {
  const int blocks_at_once = products / 2;
  Expr taps = at_least_once(offsets.dim(1).extent());
  r = RDom({{0, 2}, {0, at_least_once(blocks / blocks_at_once)}, {0, taps}}, "r");
  re = RDom({{0, 2}, {0, excess.dim(1).extent()}}, "re");
  // The same array under another name: the schedule stages that of the main loop in registers.
  Func excess_weights("excess_weights");
  excess_weights(_) = weights(_);
  const auto products_of = [&](const auto& activation, const auto& weight, const Expr& pair, const Expr& first) {
    Expr added;
    for (int part = 0; part < products; part++) {
      Expr i = 2 * lane + pair + part % 2 * 8, block = first + part / 2;
      Expr product = cast<int16_t>(activation(part / 2 * 16 + i)) * cast<int16_t>(weight(i, c % 4, block, c / 4));
      added = part == 0 ? product : added + product;
    }
    return cast<int32_t>(added);
  };
  Expr block = r.y * blocks_at_once;
  partial(lane, c, x) = 0;
  partial(lane, c, x) +=
      products_of([&](const Expr& i) { return row(block * 16 + i, x, r.z); }, weights, r.x, block + blocks * r.z);
  partial(lane, c, x) += products_of([&](const Expr& i) { return excess_row(i, x, re.y); }, excess_weights, re.x,
                                     blocks * taps + re.y * blocks_at_once);
  lanes = RDom(0, 4, "lanes");
  joined(c, x) = 0;
  joined(c, x) += partial(lanes, c, x);
  sum(c, x) = joined(c, x) + channels(c, kBias, 0);
}

std::vector<Argument> ConvolutionKernel::arguments() const {
  return {input, offsets, excess, weights, channels, blocks, width, zero_point, lo, hi};
}

}  // namespace octet
