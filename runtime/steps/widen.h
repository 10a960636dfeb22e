// Bytes for kernels that take words.
#pragma once

#include <cstdint>

namespace octet {

/// out[i] = in[i] - zero.
void widen(const uint8_t* in, int64_t count, int16_t zero, int16_t* out);

/// The same for panels of `kept` elements, which are groups of `group` pairs; behind each panel goes the same moved on
/// by a word, from group to group: pair i of group g is {second of (g - 1, i), first of (g, i)}, before the first lies
/// 0.
void widen_and_move_on(const uint8_t* in, int64_t panels, int64_t kept, int64_t group, int16_t zero, int16_t* out);

/// Weights that a kernel takes as words are differences of bytes, q - zero point, and so are kept as bytes, which takes
/// half the memory; a call widens those of its channels, for all of its pixels. So many it has room for on its stack.
inline constexpr int64_t kMostWidened = 80 << 10;

}  // namespace octet
