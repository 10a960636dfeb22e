// Part of an image in memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet {

/// Rows [first, first + count) of an image as it lies in memory, a border included: all of it, or a band.
struct ImageRows {
  std::byte* bytes;  // of row `first`
  int64_t first = 0, count = 0;
};

}  // namespace octet
