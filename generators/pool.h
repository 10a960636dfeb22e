// AVERAGE_POOL_2D and MAX_POOL_2D over windows that the image's edges cut off.
//
//   AverageKernel: n = taps of the window inside the image, s = sum of them + n offset,
//     out(c, x, y) = clamp(sign(s) ((|s| + n / 2) / n) - offset)
//   MaxKernel: out(c, x, y) = clamp(max of the taps inside)
//
// `offset` brings stored values to the file's own type, where the average rounds half away from zero.
// Division by n is exact: for t = |s| + n / 2 <= 256 n, n < 2^22 and 2^(31 + b) / n < M = floor(2^(31 + b) / n) + 1 <
// 2^32, b = floor(log2 n): t / n = (t M) >> (31 + b), because the excess t (M n - 2^(31 + b)) / n <= 256 n is below
// 2^(31 + b) / n. The runtime gives M and b for each n.
#pragma once

#include <vector>

#include "generators/halide.h"

namespace octet {

/// What both kinds of pool take.
struct PoolGeometry {
  Halide::Param<int32_t> k_w{"k_w"}, k_h{"k_h"}, stride_w{"stride_w"}, stride_h{"stride_h"};
  Halide::Param<int32_t> pad_left{"pad_left"}, pad_top{"pad_top"};
};

/// Arguments, in order: input, divisors, k_w, k_h, stride_w, stride_h, pad_left, pad_top, offset, lo, hi; output.
struct AverageKernel {
  explicit AverageKernel(Target target);

  Halide::ImageParam input;                                      // activations [channel, column, row]
  Halide::ImageParam divisors{Halide::UInt(32), 2, "divisors"};  // [M or b, n], n = 0 .. k_w k_h
  PoolGeometry window;
  Halide::Param<int32_t> offset{"offset"}, lo{"lo"}, hi{"hi"};

  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::RDom r;  // [column, row] of the window
  Halide::Func sum{"sum"};
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;
};

/// Arguments, in order: input, k_w, k_h, stride_w, stride_h, pad_left, pad_top, lo, hi; output.
struct MaxKernel {
  explicit MaxKernel(Target target);

  Halide::ImageParam input;
  PoolGeometry window;
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};

  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::RDom r;
  Halide::Func greatest{"greatest"};
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
