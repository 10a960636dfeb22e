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
//   column(t, c, u, g, Y) = input(c + offset(u % k_w), u / k_w, stride rows Y + depth g + t),   u = k_w x + kx
//   sum(c, x, y) = bias(c) + sum over t, g, kx, p of column(t, c, u, g, y / rows) *
//                  weights(t, c % panel, tap, c / panel), tap = kx + k_w (g + groups (p + parts (y % rows)))
// where offset(kx) = kx / 2 pair_step + kx % 2 odd_step says how far the filter's columns lie apart. Where
// shares_weights (schedules/manifest.h), one arrangement is stored, 0 w0 w1 w2, and shifted into the other.
// `parts` > 1 splits weights that do not fit their 8 bits into several that do: their sum counts. Few channels have
// such weights: where splits_by_panel, only panels that have some have second parts, in panels behind all others;
// where doubles_row, a column has one row twice, so that this one's weights may be in two parts. Tiles of several
// `pixels`, and those that slide, share columns instead: u = stride joined x + kx, input(c, u, ..), where u counts the
// image's columns. Reads no row past the last (it repeats that, with weight 0); channels up to the block's end.
//
// On x86 the image need not lie inside its padding: `input` says by its mins and extents which of the padded image's
// columns and rows there are, and by the last dimension's stride how far from the image a row of padding lies, which is
// read for all others. (Where it does lie inside, mins are 0; of pixels that are not next to each other the extent is
// that of any number of columns.)
//
// An image whose channels are no multiple of a block is seen as one of more channels: its rows are contiguous, so P
// neighbouring pixels pass for one of P C channels, the taps still C apart. Where the horizontal stride is not 1 the
// padded copy first brings the pixels that a tap reads side by side (runtime/ops/depthwise.cpp).
//
// DepthwiseAnyKernel: any geometry, by a list of where each tap lies, `depth` taps to a group:
//   group(t, c, x, y, g) = input(c + pixel_step x + row_step y + offsets(t, g))
//   sum(c, x, y) = bias(c) + sum over t, g of group(t, c, x, y, g) * weights(t, c % panel, g, c / panel)
#pragma once

#include <vector>

#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

/// Arguments, in order: input, pair_step, odd_step, weights, channels, on Arm fits_int16, on x86 doubled_row,
/// zero_point, lo, hi; output.
struct DepthwiseKernel {
  /// Of `geometry`: filter, stride, rows, parts, pixels, joined, sliding.
  DepthwiseKernel(Target target, const Schedule& geometry);

  Halide::ImageParam input;  // activations [channel, pixel or column, row], on x86 [.., image or padding]
  Halide::Param<int32_t> pair_step{"pair_step"}, odd_step{"odd_step"};  // in elements of input
  Halide::ImageParam weights;   // int8 or int16 [depth, panel, taps, channels / panel]
  Halide::ImageParam channels;  // int32 [channel, field, 0]: ChannelField; the last stride is 0, as for convolution
  Halide::Param<int32_t> fits_int16{"fits_int16"};    // are_int16 (generators/rescale.h)
  Halide::Param<int32_t> doubled_row{"doubled_row"};  // doubles_row (schedules/manifest.h)
  Halide::Param<int32_t> zero_point{"zero_point"};    // of the output
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};          // clamp

  int groups;    // of `depth` rows each, in a column
  int last = 0;  // row of the image that a column has; on x86
  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::Var t{"t"}, u{"u"}, g{"g"}, Y{"Y"}, p{"p"};
  Halide::RDom r;     // [depth, k_w, groups, parts]; not on NEON
  Halide::RDom more;  // [depth, k_w, groups], of second parts where panels have them or not (splits_by_panel)
  Halide::Func column{"column"};
  // Where columns slide: at which byte each of a column's rows begins; what lies there; the first column of each pixel,
  // which is the last one of the pixel before; at stride 2 the one between two such.
  Halide::Func begins{"begins"}, loaded{"loaded"}, held{"held"}, between{"between"};
  Halide::Func sum{"sum"};        // where sums_by_panel [channel of a panel, .., panel]
  Halide::Func scaled{"scaled"};  // on x86 not yet narrowed
  Halide::Func output{"output"};  // [channel, column, row]

  std::vector<Halide::Argument> arguments() const;

 private:
  int step;  // from a pixel to the next, in columns u
  /// Where a column of the padded image begins: `inside` says whether the image has it, `place` where that lies, from
  /// the row's start.
  Halide::Expr begin_of(const Halide::Expr& inside, const Halide::Expr& place, const Halide::Expr& row) const;
  Halide::Expr padded(const Halide::Expr& channel, const Halide::Expr& begin) const;
  void define_sum_by_groups(Target target, const Schedule& geometry);
  void define_sum_by_pairs(const Schedule& geometry);
};

/// Arguments, in order: input, offsets, weights, channels, groups, pixel_step, row_step, zero_point, lo, hi; output.
struct DepthwiseAnyKernel {
  enum class Output { Byte, Sum };
  /// Byte: activations. Sum: int32 sums, for rescales that the fast form cannot hold.
  DepthwiseAnyKernel(Target target, Output kind);

  Halide::ImageParam input;                 // activations [bytes]
  Halide::ImageParam offsets;               // int32 [depth, group], in elements of input
  Halide::ImageParam weights;               // int8 or int16 [depth, panel, groups, channels / panel]
  Halide::ImageParam channels;              // as above
  Halide::Param<int32_t> groups{"groups"};  // ceil(taps / depth)
  Halide::Param<int32_t> pixel_step{"pixel_step"}, row_step{"row_step"};  // in elements of input
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};

  Halide::Var c{"c"}, x{"x"}, y{"y"};
  Halide::Var t{"t"}, g{"g"};
  Halide::RDom r;  // [depth, groups]
  Halide::Func group{"group"};
  Halide::Func sum{"sum"};
  Halide::Func scaled{"scaled"};  // Byte only
  Halide::Func output{"output"};  // [channel, column, row]

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
