// Bytes for kernels that take words.
#pragma once

#include <cstdint>

namespace octet {

/// out[i] = in[i] - zero.
void widen(const uint8_t* in, int64_t count, int16_t zero, int16_t* out);

/// What is kept of a panel of pairs of words: the first ones whole, then the first words of those whose second is 0.
struct KeptPanel {
  int64_t whole = 0, halves = 0;  // elements
  // > 0: behind the panel goes the same moved on by a word, from group to group of so many pairs: pair i of group g is
  // {second of (g - 1, i), first of (g, i)}, before the first lies 0.
  int64_t moved_group = 0;

  int64_t elements() const { return whole + halves; }
  int64_t widened() const { return (whole + 2 * halves) * (moved_group > 0 ? 2 : 1); }
};

/// The same for panels of which that is kept.
void widen_panels(const uint8_t* in, int64_t panels, const KeptPanel& panel, int16_t zero, int16_t* out);

/// Weights that a kernel takes as words are differences of bytes, q - zero point, and so are kept as bytes, which takes
/// half the memory; a call widens those of its channels, for all of its pixels. So many it has room for on its stack.
inline constexpr int64_t kMostWidened = 80 << 10;

}  // namespace octet
