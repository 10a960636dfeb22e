// The border that an image could have in memory.
#pragma once

#include <optional>

#include "runtime/graph.h"
#include "runtime/steps/pad_copy.h"

namespace octet {

/// The room around the image, where the copy is one image in order and nothing but room more; else nothing.
inline std::optional<Pads> border_of(const PadCopy& s) {
  const Pads border{.top = static_cast<int32_t>(s.top),
                    .left = static_cast<int32_t>(s.left),
                    .bottom = static_cast<int32_t>(s.height - s.top - s.in_h),
                    .right = static_cast<int32_t>(s.width - s.left - s.in_w)};
  const bool cuts = border.bottom < 0 || border.right < 0;
  return s.batch > 1 || s.repeat > 1 || s.phases > 1 || cuts ? std::nullopt : std::optional(border);
}

}  // namespace octet
