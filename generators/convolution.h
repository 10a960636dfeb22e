// Convolution of any geometry, as sums over rows of bytes that an offset table points at.
//
//   sum(c, x) = bias(c) + sum over runs t, channels k of input(offsets(x, tap(t)) + first(t) + k) * weights(k, c, t)
//   out(c, x) = clamp(rescale(sum(c, x)))
//
// x counts output pixels (batch, rows and columns in one). The output may lie in memory as rows of `width` pixels each;
// if not, all of them are one row. Zero points are folded away before: -Z_in sum w into the bias, w - Z_w into the
// weights. One table of offsets [pixel, filter tap] serves strides, dilation, padding (it points into a padded copy)
// and transposed convolution; a fully-connected layer has one tap and a pixel a batch.
//
// A run is some steps of consecutive input channels of a tap (RunField). Each tap is one run; what is left of residuals
// w - Z_w that 8 bits do not hold (a real network's uint8 filter has one or two, as a rule) makes further runs, of one
// step each.
//
// Weights are packed in blocks for the target's multiply-accumulate (packed_depth, packed_channels): weights(k %
// depth, c % block, k % step / depth, k / step, c / block), steps of all runs one after the other. Where k runs past
// the channels the weights are 0; the bytes read there may be anything.
//
// Calls cover whole blocks of Schedule::vectors * lanes channels and, on x86, whole tiles of Schedule::pixels. On Arm
// any number of pixels will do (the tables of offsets and weights still are those of whole tiles).
//
// Kernels that add pairs (adds_pairs) add the products of k, k + 8, .. of a step in 16 bits before they widen them:
// those weights' magnitudes must not add up to more than 255.
//
// Kernels that add bytes (adds_bytes) see four input channels of the weights as a word. What they add in 16 bits, k, k
// + 1, k + 4, k + 5, .. and so k + 2, k + 3, k + 6, .. of a step, must not have positive weights of more than 128
// together, or negative ones: 255 * 128 is what 16 bits hold.
//
// i8mm takes pixels in pairs (takes_pixel_pairs): x of `offsets` counts pairs, and both the input and the weights are
// seen as words of eight channels. The input has the words of a pair's pixels in turns; first(t) is in words of both.
// The table of channels is in the order that sums then have, two channels once a pixel: 0 1 0 1 2 3 2 3 ..
//
// Kernels that multiply by element, and those of single pixels (takes_excess_apart), have as many steps in each tap,
// from its first channel on; each of the last `excess` runs takes one group of `depth` channels, whose weights lie
// behind all steps, one after the other. The latter (takes_excess_by_vector) have a run for each of a block's vectors
// in turns, as many of all, be their weights 0.
//
// Those that overlap tiles (Schedule::overlapping) begin with the first steps of the first run, which is of tap 0 and
// its first channel on; `excess` is 0.
//
// Where they join pixels (Schedule::joined), one load has a step of each of some neighbours, which must lie side by
// side in memory and have no more channels than that. These are pixels of one row of the output: of several, each
// begins with such a load.
//
// With an addend, an 8-bit tensor like the output, the 8-bit result is not the output but an operand of the affine form
// of ADD (generators/elementwise.h), of which the addend is the other:
//   out(c, x) = sum's clamp((f1 clamp(rescale(sum(c, x))) + f2 addend(c, x) + constant) >> shift)
//
// Arguments, in order: input, offsets, runs, weights, channels, excess, fits_int16, width, zero_point, lo, hi; with an
// addend: addend, those of AffineParams; output.
#pragma once

#include <optional>
#include <vector>

#include "generators/elementwise.h"
#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

/// What is known of where a layer's rows lie when a kernel is compiled for it alone.
struct ConvolutionRows {
  struct Run {
    int32_t start;  // from a pixel's first offset
    int32_t steps;
  };
  std::optional<int32_t> pixel_step;  // from a pixel of a tile to the next
  std::vector<Run> runs;              // empty: not known
  bool out_adjoins = false;           // whether a pixel of the output ends where the next one begins

  int64_t steps() const {
    int64_t sum = 0;
    for (const Run& run : runs) sum += run.steps;
    return sum;
  }
};

struct ConvolutionKernel {
  enum class Output { Byte, Sum, Add };
  /// Byte: 8-bit outputs in the target's activation type. Sum: int32 sums, no rescale. Add: those of Byte and an addend
  /// added up.
  ConvolutionKernel(const KernelInfo& info, Output output, const ConvolutionRows& rows = {});

  Halide::ImageParam input;                         // [bytes]: activations; pairs: int64 words of them; widened: int16
  Halide::ImageParam offsets;                       // int32 [pixel and tap], in elements of input
  Halide::ImageParam runs;                          // int32 [RunField, run]
  Halide::ImageParam weights;                       // [depth, block, groups, steps, channels / block], see word_bytes
  Halide::ImageParam channels;                      // int32 [channel, field, 0]: generators/rescale.h
  Halide::Param<int32_t> excess{"excess"};          // runs at the end that are of excess
  Halide::Param<int32_t> fits_int16{"fits_int16"};  // are_int16 (generators/rescale.h)
  Halide::Param<int32_t> width{"width"};            // of the output's rows
  Halide::Param<int32_t> zero_point{"zero_point"};  // of the output; with an addend, of what is added to it
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};        // clamp of the same
  Halide::ImageParam addend;                        // Add only: activations, as the output
  AffineParams affine{"sum_"};                      // Add only

  Halide::Var c{"c"}, x{"x"}, y{"y"}, k{"k"}, i{"i"}, t{"t"}, lane{"lane"};
  Halide::Func excess_row{"excess_row"};  // takes_excess_apart: (k, x, t): the same of a run of excess
  Halide::RDom e;                         // depth, runs of excess
  Halide::Func row{"row"};                // (k, x, t): the elements of a run
  Halide::RDom r;                         // depth, groups of a step, steps, runs; pairs: below
  /// Steps of a run, where runs are known, that one update of the sum is for.
  struct Piece {
    Halide::RDom r;  // depth, groups of a step, steps; runs, where there are several
    bool unrolled;
  };
  std::vector<Piece> pieces;                  // empty: all is one update, over `r`
  Halide::Func step_weights{"step_weights"};  // pairs: (k, c, i, t): those of step i of run t
  Halide::Func partial{"partial"};            // pairs: sum's four parts (lane, c, x); r: pairs, steps, runs
  Halide::Func joined{"joined"};              // pairs: the parts added up, over `lanes`
  Halide::RDom lanes;
  Halide::Func sum{"sum"};        // (c, x); pixel pairs: c as in the table of channels, x counts pairs
  Halide::Func scaled{"scaled"};  // the same; not of Sum
  Halide::Func output{"output"};  // [channel, column, row]
  bool out_adjoins = false;       // ConvolutionRows
  /// 0, which the compiler does not know, where overlap_tiles() has to keep the weights of first steps out of
  /// registers.
  Halide::Expr unknown_zero;

  std::vector<Halide::Argument> arguments() const;

 private:
  const Output kind_;

  /// Where a pixel's offset of a tap lies.
  Halide::Expr offset_of(const KernelInfo& info, const ConvolutionRows& rows, const Halide::Expr& tap) const;
  /// Of output channel c.
  Halide::Expr weight_at(const KernelInfo& info, const Halide::Expr& k, const Halide::Expr& group,
                         const Halide::Expr& step) const;
  void define_sum(const KernelInfo& info);
  void define_sum_of_pieces(const KernelInfo& info, const ConvolutionRows& rows);
  void define_sum_from_first_steps(const KernelInfo& info);
  void define_sum_of_bytes(const KernelInfo& info);
  void define_sum_and_excess(const KernelInfo& info);
  void define_sum_by_pairs(const KernelInfo& info);
  void define_sum_of_pixel_pairs(const KernelInfo& info);
  Halide::Expr steps(const Halide::Expr& t);
  Halide::Expr first_step(const Halide::Expr& t);
  Halide::Expr of_pixel_pair(const KernelInfo& info, const Halide::Expr& pixel);
};

}  // namespace octet
