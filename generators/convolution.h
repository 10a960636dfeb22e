// Convolution of any geometry, as sums over rows of bytes that an offset table points at.
//
//   sum(c, x) = bias(c) + sum over taps t, channels k of input(offsets(x, t) + k) * weights(k, c, t)
//             + sum over e, k of input(offsets(x, excess(0, e)) + excess(1, e) + k) * weights(k, c, .. + e)
//   out(c, x) = clamp(rescale(sum(c, x)))
//
// x counts output pixels (batch, rows and columns in one), t the filter's taps. The output may lie in memory as rows of
// `width` pixels each; if not, all of them are one row. Zero points are folded away before:
// -Z_in sum w into the bias, w - Z_w into the weights. One table of offsets serves strides, dilation, padding (it
// points into a padded copy) and transposed convolution; a fully-connected layer has one tap and a pixel a batch.
//
// The second sum is what is left of residuals w - Z_w that 8 bits do not hold: a real network's uint8 filter has one or
// two, as a rule. Each e is one more step of the loop over k, at `excess(1, e)` within tap `excess(0, e)`.
//
// Weights are packed in blocks for the target's multiply-accumulate (ConvolutionLayout): weights(k % depth, c % lanes,
// k / depth + blocks * tap, c / lanes), behind all taps the steps of e. Where k runs past the channels the weights are
// 0; the bytes read there may be anything.
//
// Calls cover whole tiles: the outputs' extents are multiples of Schedule::pixels and of Schedule::vectors * lanes. On
// Arm any number of pixels will do (the tables of offsets and weights still are those of whole tiles).
//
// NEON adds `products` in 16 bits before it widens them, those of k, k + 8, .. in a block of 8 products: their weights'
// magnitudes must not add up to more than 255 (two of them never do where weights lie in [-127, 127]).
//
// Arguments, in order: input, offsets, excess, weights, channels, blocks, width, zero_point, lo, hi; output.
#pragma once

#include <vector>

#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

struct ConvolutionKernel {
  enum class Output { Byte, Sum };
  /// Byte: 8-bit outputs in the target's activation type. Sum: int32 sums, no rescale.
  ConvolutionKernel(const KernelInfo& info, Output output);

  Halide::ImageParam input;                         // [bytes]: uint8, int8, or int16 less the zero point
  Halide::ImageParam offsets;                       // int32 [pixel, tap], in elements of input
  Halide::ImageParam excess;                        // int32 [tap or first channel, step]
  Halide::ImageParam weights;                       // int8 or int16 [depth, lanes, steps, channels / lanes]
  Halide::ImageParam channels;                      // int32 [channel, field, 0]: generators/rescale.h
  Halide::Param<int32_t> blocks{"blocks"};          // of a tap: ceil(channels in / multiple) * multiple / depth
  Halide::Param<int32_t> width{"width"};            // of the output's rows
  Halide::Param<int32_t> zero_point{"zero_point"};  // of the output
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};        // clamp

  Halide::Var c{"c"}, x{"x"}, y{"y"}, k{"k"}, t{"t"}, e{"e"}, lane{"lane"};
  Halide::Func row{"row"};                // (k, x, t): the elements of a tap
  Halide::Func excess_row{"excess_row"};  // (k, x, e): the same of an excess step
  Halide::RDom re;                        // of excess steps: as r without the loop over blocks
  Halide::RDom r;                   // x86: depth, blocks, taps; dotprod: depth, 4 steps, blocks / 4, taps; NEON: below
  Halide::Func partial{"partial"};  // NEON: sum's four parts (lane, c, x); r: pairs, blocks, taps
  Halide::Func joined{"joined"};    // NEON: the parts added up, over `lanes`
  Halide::RDom lanes;
  Halide::Func sum{"sum"};
  Halide::Func scaled{"scaled"};  // Byte only
  Halide::Func output{"output"};  // [channel, column, row]

  std::vector<Halide::Argument> arguments() const;

 private:
  void define_sum_x86(ConvolutionLayout layout);
  void define_sum_dotprod();
  void define_sum_neon(int products);
};

}  // namespace octet
