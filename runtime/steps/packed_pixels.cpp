#include "runtime/steps/packed_pixels.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace octet {

namespace {

constexpr int64_t kWord = 8;

/// Copies pieces as so many bytes, of a tap from all pixels. Those of some pixels are loaded before any is stored: for
/// what they have just loaded in-order cores wait.
template <size_t kBytes>
void pack_short(const PixelPieces& pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                std::byte* out) {
  constexpr int64_t kWords = kBytes / kWord, kTogether = 8 / kWords;
  const auto copy = [&](const int32_t* offsets, std::byte* to, auto pixels) {
    uint64_t loaded[pixels][kWords];
    for (int64_t p = 0; p < pixels; p++) std::memcpy(loaded[p], in + offsets[p], kBytes);
    for (int64_t p = 0; p < pixels; p++) std::memcpy(to + p * pixel_bytes, loaded[p], kBytes);
  };
  for (int64_t t = 0; t < pieces.taps; t++) {
    const int32_t* offsets = pieces.offsets + t * pieces.tap_stride + first;
    std::byte* to = out + t * pieces.tap_bytes;
    int64_t p = 0;
    for (; p + kTogether <= count; p += kTogether)
      copy(offsets + p, to + p * pixel_bytes, std::integral_constant<int64_t, kTogether>());
    for (; p < count; p++) copy(offsets + p, to + p * pixel_bytes, std::integral_constant<int64_t, 1>());
  }
}

/// Words of a and b in turns.
void interleave(const std::byte* __restrict a, const std::byte* __restrict b, int64_t words,
                std::byte* __restrict out) {
  for (int64_t i = 0; i < words; i++) {
    uint64_t first, second;
    std::memcpy(&first, a + i * kWord, kWord);
    std::memcpy(&second, b + i * kWord, kWord);
    std::memcpy(out + 2 * i * kWord, &first, kWord);
    std::memcpy(out + (2 * i + 1) * kWord, &second, kWord);
  }
}

/// A pixel of pieces that are not whole words: side by side first. Short ones are copied past their end, where the next
/// one goes: of a known size, that takes no call.
void gather(const PixelPieces& pieces, const std::byte* in, int64_t pixel, std::byte* out) {
  for (int64_t t = 0; t < pieces.taps; t++, out += pieces.tap_bytes) {
    const std::byte* from = in + pieces.offsets[t * pieces.tap_stride + pixel];
    if (pieces.tap_bytes <= kShortPiece / 2)
      std::memcpy(out, from, kShortPiece / 2);
    else if (pieces.tap_bytes <= kShortPiece)
      std::memcpy(out, from, kShortPiece);
    else
      std::memcpy(out, from, static_cast<size_t>(pieces.tap_bytes));
  }
}

}  // namespace

void pack_pixels(const PixelPieces& pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                 std::byte* out) {
  const int64_t bytes = short_piece_bytes(pieces.tap_bytes);
  const auto pack = bytes == 8 ? pack_short<8> : bytes == 16 ? pack_short<16> : pack_short<kShortPiece>;
  pack(pieces, in, first, count, pixel_bytes, out);
}

void pack_pixel_pairs(const PixelPieces& pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                      std::byte* out) {
  const bool whole_words = pieces.tap_bytes % kWord == 0;
  for (int64_t p = 0; p < count; p += 2, out += 2 * pixel_bytes) {
    const int64_t a = first + p, b = first + std::min(p + 1, count - 1);
    if (!whole_words) {
      alignas(16) std::byte gathered[2][kMostGatheredBytes + kShortPiece];
      gather(pieces, in, a, gathered[0]);
      gather(pieces, in, b, gathered[1]);
      interleave(gathered[0], gathered[1], pixel_bytes / kWord, out);
      continue;
    }
    for (int64_t t = 0; t < pieces.taps; t++) {
      const int32_t* offsets = pieces.offsets + t * pieces.tap_stride;
      interleave(in + offsets[a], in + offsets[b], pieces.tap_bytes / kWord, out + 2 * t * pieces.tap_bytes);
    }
  }
}

}  // namespace octet
