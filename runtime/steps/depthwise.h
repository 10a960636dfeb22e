// DEPTHWISE_CONV_2D: calls of a kernel (generators/depthwise.h) over rows of the image and blocks of channels.
#pragma once

#include <HalideRuntime.h>

#include "runtime/steps/context.h"
#include "runtime/steps/fixed_point.h"
#include "runtime/steps/image_rows.h"
#include "runtime/steps/integer.h"
#include "runtime/steps/pad_copy.h"
#include "runtime/steps/widen.h"
#include "schedules/layouts.h"

namespace octet {

/// The image as the kernel reads it: in place, with a border if it has one in memory or the kernel can do without, or a
/// copy with a border, channels repeated by the depth multiplier, columns sorted by phase. Then the kernel sees a plain
/// depthwise convolution of `channels` channels.
struct DepthwiseImage {
  bool copied = false, bordered = false;
  int32_t padding = -1;  // tensor: a row of padding, which the kernel reads for what lies outside; -1: it need not
  PadCopy shape{};       // of the copy, or of what would be one; where there is no border, of the input itself

  bool unpadded() const { return padding >= 0; }
  /// As one that is copied.
  void copy() {
    copied = copied || unpadded();
    padding = -1;
  }
  int64_t channels() const { return shape.channels * shape.repeat; }
  int64_t row() const { return (unpadded() ? shape.in_w : shape.width) * channels(); }
  /// Where column x begins, from the row's start.
  int64_t column(int64_t x) const {
    return (x % shape.phases * (shape.width / shape.phases) + x / shape.phases) * channels();
  }
};

/// Blocks of joined channels that one kernel computes.
struct DepthwiseSection {
  Range channels;
  KernelIndex kernel;
  int32_t columns_shared;       // whether the kernel's tiles of pixels share columns
  int32_t fits_or_row = 0;      // Arm: whether all rescaled sums fit in 16 bits; x86: doubled_row
  int64_t taps = 0;             // groups of weights of a channel
  int64_t pixels_at_once = 0;   // the most of a row that the kernel has room for
  KeptPanel kept{};             // where weights are kept as bytes
  Constant<std::byte> weights;  // [panel of channels][group][channel][depth]
};

struct DepthwiseStep {
  int32_t input, output;  // tensors
  int32_t input_zero, output_zero;
  KernelIndex requantize = -1;  // only where the fast rescale does not hold
  int32_t weight_zero = -1;     // what weights kept as bytes are less (widen.h); -1: kept as kernels take them
  int32_t any_geometry;         // whether the kernel is DepthwiseAny or DepthwiseSum
  int32_t rows_at_once;         // of the output, that the kernels compute together, of all phases
  halide_type_t activation;
  DepthwiseLayout layout;
  DepthwiseImage image;
  int64_t batch, out_h, out_w, out_c, stride_h, stride_w;
  // Of a dilated filter's outputs, those that far apart are computed as if there were nothing between them, nor between
  // their taps.
  int64_t row_phases, column_phases;
  int64_t pixel_step;                        // of the image, from a (joined) pixel's first column to the next one's
  int32_t pair_step, odd_step;               // from a filter's first column to its third and to its second
  int64_t reach_h;                           // rows of the image, from the first to the last of a filter
  ConstantArray<DepthwiseSection> sections;  // of kernels of one family and number of rows
  int64_t joined, padded_channels;           // pixels that pass for one; channels of them, up to whole blocks
  Constant<int32_t> offsets;                 // DepthwiseAny: of each tap
  Constant<int32_t> channel_table;           // of the joined pixels' channels
  Constant<int32_t> requantize_table;
  Clamp clamp;

  bool requantizes() const { return requantize >= 0; }
  int64_t joined_channels() const { return joined * out_c; }
  int64_t panel_elements(int64_t taps) const { return taps * layout.panel * layout.depth; }
  /// Of a block of channels.
  int64_t block_elements(int64_t taps) const { return taps * layout.block * layout.depth; }
  /// Of which so much is kept.
  int64_t kept_bytes(int64_t elements, const DepthwiseSection& section) const {
    if (weight_zero < 0) return elements * layout.weight_bits / 8;
    return elements / section.kept.widened() * section.kept.elements();
  }
  /// Of the copy.
  int64_t image_bytes() const { return image.copied ? round_up(image.shape.elements() + kSlackBytes, 64) : 0; }
  int64_t output_bytes() const { return requantizes() ? 4 : 1; }
};

void run(const DepthwiseStep& step, const RunContext& context);
/// Some rows of one that does not requantize, of one image. `in`: what is read of it, as the kernel reads it, so that
/// nothing is copied.
void run_rows(const DepthwiseStep& step, Range rows, const ImageRows& in, const ImageRows& out,
              const RunContext& context);

}  // namespace octet
