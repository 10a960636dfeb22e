// int32 sums to 8 bits, exact for every multiplier and shift: out(c, x) = clamp(rescale_exact(sums(c, x))).
// Layers whose rescale does not fit the fast form of the convolution kernels take this second pass.
//
// Arguments, in order: sums, channels, zero_point, lo, hi; output.
#pragma once

#include <vector>

#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

struct RequantizeKernel {
  explicit RequantizeKernel(Target target);

  Halide::ImageParam sums{Halide::Int(32), 2, "sums"};          // [channel, pixel]
  Halide::ImageParam channels{Halide::Int(32), 2, "channels"};  // [channel, field]: RequantizeField
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};

  Halide::Var c{"c"}, x{"x"};
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
