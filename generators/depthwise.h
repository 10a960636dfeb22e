// Depthwise convolution, with the taps of a channel lying side by side, so that one instruction multiplies and adds
// `depth` of them (DepthwiseLayout). Two algorithms, both
//
//   sum(c, x, y) = bias(c) + sum over taps of input * weight,   out(c, x, y) = clamp(rescale(sum(c, x, y)))
//
// where zero points are folded away before: -Z_in sum w into the bias, w - Z_w into the weights.
//
// DepthwiseKernel: a filter and vertical stride known when it is compiled. A column interleaves rows of the image, and
// serves `rows` outputs one below the other, each with its own arrangement of the weights (3 rows, depth 4, stride 1:
// w0 w1 w2 0 and 0 w0 w1 w2):
//   column(t, c, u, g, Y) = input(c, u, stride rows Y + depth g + t)
//   sum(c, x, y) = bias(c) + sum over t, g, kx, p of column(t, c, step x + kx, g, y / rows) *
//                  weights(t, c % block, tap, c / block), tap = kx + k_w (g + groups (p + parts (y % rows)))
// `parts` > 1 splits weights that do not fit their 8 bits into several that do: their sum counts.
// `step` is the horizontal stride (kernels whose tile is wider than a pixel take it to be `stride`). Rows of the image
// are contiguous, so a stride of 1 lets several pixels pass for one of more channels (P pixels of C: step P, channels P
// C, pixels still C apart): small channel counts fill vectors. Reads rows and columns past the end nowhere (it repeats
// the last one, with weight 0), channels up to the block's end.
//
// DepthwiseAnyKernel: any geometry, by a list of where each tap lies, `depth` taps to a group:
//   sum(c, x, y) = bias(c) + sum over t, g of input(c + pixel_step x + row_step y + offsets(t, g)) *
//                  weights(t, c % block, g, c / block)
#pragma once

#include <vector>

#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

/// Arguments, in order: input, weights, channels, step, zero_point, lo, hi; output.
struct DepthwiseKernel {
  /// Of `geometry`: filter, stride, rows, parts, pixels.
  DepthwiseKernel(Target target, const Schedule& geometry);

  Halide::ImageParam input;     // activations [channel, column, row], padded
  Halide::ImageParam weights;   // int8 or int16 [depth, block, taps, channels / block]
  Halide::ImageParam channels;  // int32 [channel, field, 0]: ChannelField; the last stride is 0, as for convolution
  Halide::Param<int32_t> step{"step"};
  Halide::Param<int32_t> zero_point{"zero_point"};  // of the output
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};        // clamp

  int groups;  // of `depth` rows each, in a column
  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::Var t{"t"}, u{"u"}, g{"g"}, Y{"Y"};
  Halide::RDom r;  // [depth, k_w, groups, parts]
  Halide::Func column{"column"};
  Halide::Func sum{"sum"};
  Halide::Func scaled{"scaled"};
  Halide::Func output{"output"};  // [channel, column, row]

  std::vector<Halide::Argument> arguments() const;
};

/// Arguments, in order: input, offsets, weights, channels, groups, pixel_step, row_step, zero_point, lo, hi; output.
struct DepthwiseAnyKernel {
  enum class Output { Byte, Sum };
  /// Byte: activations. Sum: int32 sums, for rescales that the fast form cannot hold.
  DepthwiseAnyKernel(Target target, Output kind);

  Halide::ImageParam input;                 // activations [bytes]
  Halide::ImageParam offsets;               // int32 [depth, group], in elements of input
  Halide::ImageParam weights;               // int8 or int16 [depth, block, groups, channels / block]
  Halide::ImageParam channels;              // as above
  Halide::Param<int32_t> groups{"groups"};  // ceil(taps / depth)
  Halide::Param<int32_t> pixel_step{"pixel_step"}, row_step{"row_step"};  // in elements of input
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};

  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::RDom r;  // [depth, groups]
  Halide::Func sum{"sum"};
  Halide::Func scaled{"scaled"};  // Byte only
  Halide::Func output{"output"};  // [channel, column, row]

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
