// MEAN over any axes: out(i, j) = clamp(rescale_exact(start + sum over r of input(i, j, r))).
//
// i and j are what is kept, r what is summed; the runtime chooses the strides. start = -count Z_in; the rescale divides
// by the count.
//
// Arguments, in order: input, start, multiplier, left, right, zero_point, lo, hi; output.
#pragma once

#include <vector>

#include "generators/halide.h"

namespace octet {

struct MeanKernel {
  explicit MeanKernel(Target target);

  Halide::ImageParam input;  // activations [i, j, r0, r1, r2], any strides
  Halide::Param<int32_t> start{"start"};
  Halide::Param<int32_t> multiplier{"multiplier"}, left{"left"}, right{"right"};
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};

  Halide::Var i{"i"}, j{"j"};
  Halide::RDom r;  // [r0, r1, r2]
  Halide::Func sum{"sum"};
  Halide::Func output{"output"};  // [i, j]

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
