// CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV: calls of a kernel (generators/convolution.h) over tiles of pixels and
// blocks of channels.
#pragma once

#include <HalideRuntime.h>

#include "runtime/steps/context.h"
#include "runtime/steps/fixed_point.h"
#include "runtime/steps/image_rows.h"
#include "runtime/steps/integer.h"
#include "runtime/steps/packed_pixels.h"
#include "runtime/steps/pad_copy.h"
#include "runtime/steps/sum_arguments.h"
#include "schedules/layouts.h"

namespace octet {

/// How the input is read: in place, or from a copy with a border (which also widens, where the kernel wants int16).
struct ConvolutionSource {
  bool copied = false;
  bool widened = false;
  bool bordered = false;  // the input has its border in memory
  PadCopy shape{};        // of the copy; where not copied, of the input itself
  int64_t outside = -1;   // an element offset where `channels` zero points lie; transposed convolutions need one

  int64_t elements() const { return shape.elements() + (outside >= 0 ? shape.channels : 0); }
  int64_t element_bytes() const { return widened ? 2 : 1; }
};

/// Consecutive channels of one group whose kernel calls are alike.
struct ConvolutionPanel {
  KernelIndex kernel;              // all panels' have one tile
  int64_t group, first, channels;  // first: within the group
  int64_t runs = 0, steps = 0;     // of the kernel; of all runs together
  int32_t excess = 0;              // the last runs, where these take a group of channels each rather than a step
  int32_t fits_int16 = 0;          // Arm: whether all rescaled sums fit in 16 bits
  Constant<int32_t> run_table{};   // RunField of each
  Constant<std::byte> weights{};
};

/// How outputs lie in memory: in rows of so many pixels; all distances in elements.
struct OutputRows {
  int64_t first = 0;  // where the first pixel begins
  int64_t width;      // pixels of a row: all of them where nothing lies between rows
  int64_t pixel, row = 0;
  int64_t behind = 0;  // pixels of room behind each row

  bool apart() const { return row > 0; }
  int64_t at(int64_t p) const { return first + p / width * row + p % width * pixel; }
};

struct ConvolutionStep {
  int32_t input, output;            // tensors
  int32_t addend = -1;              // tensor that is added to the result, by `sum`; -1: none
  int32_t input_zero, output_zero;  // output_zero, clamp: of the result before that
  KernelIndex requantize = -1;      // only where the fast rescale does not hold
  int32_t weight_zero = -1;         // what weights kept as bytes are less (widen.h); -1: kept as kernels take them
  ConvolutionTile tile;             // of the panels' kernels
  halide_type_t activation;
  ConvolutionSource source;
  int64_t groups, in_channels, channels;  // of all groups
  int64_t pixels, padded_pixels, taps;
  int64_t tap_bytes = 0;               // of each piece that a pixel is packed from; 0: they are read where they lie
  int64_t packed_bytes = 0;            // from one packed pixel to the next
  Constant<int32_t> packed_offsets{};  // of each (pair) that is packed at a time
  int64_t pixels_at_once;              // whose input stays in the cache while all blocks of channels pass over it
  Constant<int32_t> offsets;
  int64_t group_channels, padded_group_channels;
  Constant<int32_t> channel_table, requantize_table;
  ConstantArray<ConvolutionPanel> panels;
  OutputRows rows;  // of the output
  Clamp clamp, sum_clamp;
  SumArguments sum;

  bool adds() const { return addend >= 0; }
  bool requantizes() const { return requantize >= 0; }
  bool packs() const { return tap_bytes > 0; }
  /// Whether each pixel is computed from one, by its own channels alone, for run_rows().
  bool is_pointwise() const {
    const PadCopy& s = source.shape;
    return taps == 1 && groups == 1 && s.batch == 1 && s.in_h * s.in_w == pixels && s.height == s.in_h &&
           s.width == s.in_w && source.outside < 0 && !source.bordered && !requantizes();
  }
  /// Weights of `packed_channels` channels.
  int64_t packed_elements(int64_t steps) const { return steps * tile.step * tile.packed_channels; }
  /// Of a block of channels.
  int64_t block_elements(int64_t steps) const { return steps * tile.step * tile.channels; }
  int64_t kept_weight_bytes() const { return weight_zero >= 0 ? 1 : tile.weight_bits / 8; }
  int64_t table_channels() const { return padded_group_channels * groups; }
  /// Where a channel is in the channel table: pairs have each two channels' numbers once a pixel.
  int64_t table_position(int64_t channel) const { return tile.pairs ? 2 * channel : channel; }
  int64_t copy_bytes() const { return copy_bytes(source.elements()); }
  /// Of some of its elements.
  int64_t copy_bytes(int64_t elements) const {
    return source.copied ? round_up(elements * source.element_bytes() + kSlackBytes, 64) : 0;
  }
};

/// Room for the pixels that a thread packs at a time.
inline constexpr int64_t kPackedBytes = 1 << 16;
/// From one packed pixel to the next: kernels of pairs read whole steps; else what is copied past the last piece must
/// not reach the next pixel's.
constexpr int64_t packed_pixel_bytes(int64_t pieces, int64_t piece_bytes, const ConvolutionTile& tile) {
  return tile.pairs ? round_up(pieces * piece_bytes, tile.step)
                    : round_up((pieces - 1) * piece_bytes + short_piece_bytes(piece_bytes), 8);
}
/// How many fit: whole tiles.
constexpr int64_t packed_pixels(int64_t pixel_bytes, const ConvolutionTile& tile) {
  return kPackedBytes / pixel_bytes / tile.pixels * tile.pixels;
}

void run(const ConvolutionStep& step, const RunContext& context);
/// Some rows of one that is pointwise. An addend is the whole tensor. Of the input, tile.pixels more may be read.
void run_rows(const ConvolutionStep& step, Range rows, const ImageRows& in, const ImageRows& out,
              const RunContext& context);

}  // namespace octet
