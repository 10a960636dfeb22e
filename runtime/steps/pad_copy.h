// Copies of an image with a border, for kernels that do not look whether a tap lies outside.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/steps/integer.h"
#include "runtime/steps/parallel.h"

namespace octet {

/// An NHWC image and the part of the plane around it that is wanted: rows -top .. height - top - 1 of the image's own
/// counting, columns likewise; what lies outside the image is filled. May cut the image short at the bottom and right.
struct PadCopy {
  int64_t batch, in_h, in_w, channels;
  int64_t top = 0, left = 0;
  int64_t height, width;  // of the copy
  int64_t repeat = 1;     // each channel so many times in a row
  int64_t phases = 1;     // columns x with equal x % phases lie together, phase by phase; `width` is a multiple of it

  int64_t elements() const { return batch * height * width * channels * repeat; }
  /// Rows of the image that lie in some of the copy's; one image.
  Range inside(Range rows) const {
    return {std::clamp<int64_t>(rows.begin - top, 0, in_h), std::clamp<int64_t>(rows.end - top, 0, in_h)};
  }
  /// Some rows of the copy alone, made from those of the image.
  PadCopy part(Range rows) const {
    PadCopy part = *this;
    part.in_h = inside(rows).size();
    part.top = inside(rows).begin + top - rows.begin;
    part.height = rows.size();
    return part;
  }
};

/// Bytes as they are; the border is `fill`.
void pad_copy(const PadCopy& shape, const uint8_t* in, uint8_t fill, uint8_t* out, const Parallel& pool);

/// What pad_copy fills, in an image that lies inside its border already. Channels once, one phase.
void fill_border(const PadCopy& shape, uint8_t fill, uint8_t* out);

/// uint8 widened to int16, less the zero point; the border is 0. One phase only.
void pad_copy_widened(const PadCopy& shape, const uint8_t* in, uint8_t zero_point, int16_t* out, const Parallel& pool);

}  // namespace octet
