// DEPTHWISE_CONV_2D -> CONV_2D 1x1, with a CONV_2D 1x1 before them or none, as one loop over bands of rows: what lies
// between them is never a whole tensor.
#pragma once

#include "runtime/steps/context.h"
#include "runtime/steps/convolution.h"
#include "runtime/steps/depthwise.h"

namespace octet {

/// Steps as they would be by themselves, but that they compute some rows at a time. What an earlier one makes of these
/// lies in buffers for a band's rows; rows that the next band needs too are kept.
struct BlockStep {
  /// Where buffers lie in the scratch, in bytes.
  struct Buffers {
    int64_t image;     // that the depthwise convolution reads, with its border; nothing where it reads a tensor
    int64_t expanded;  // of it, what is copied there
    int64_t filtered;  // what the depthwise convolution writes
    int64_t copies;    // of a pointwise one's input, where that one copies it
    int64_t total;
  };

  int32_t expands;  // whether there is `expand`
  ConvolutionStep expand;
  DepthwiseStep depthwise;
  ConvolutionStep project;
  int64_t band_rows;  // of the output, that are computed together

  int64_t bands() const { return ceil_div(depthwise.out_h, band_rows); }
  /// Rows of the depthwise convolution's image that some rows of its output are computed from.
  Range image_rows(Range rows) const {
    return {rows.begin * depthwise.stride_h, (rows.end - 1) * depthwise.stride_h + depthwise.reach_h};
  }
  /// Whether these are made band by band: expanded, or copied.
  bool makes_image() const { return expands != 0 || depthwise.image.copied; }
  Buffers buffers() const;
};

void run(const BlockStep& step, const RunContext& context);

}  // namespace octet
