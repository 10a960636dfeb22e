// Pixels as kernels take them that need, or gain by, all taps of one lying side by side.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet {

/// How pixels are gathered: `taps` pieces of `tap_bytes` each, at offsets[tap * tap_stride + pixel].
struct PixelPieces {
  const int32_t* offsets;
  int64_t taps, tap_stride, tap_bytes;
};

/// Pieces of up to so many bytes are copied as one word of a size that is known, which takes no call.
inline constexpr int64_t kShortPiece = 32;
/// As how many bytes such a piece is copied.
constexpr int64_t short_piece_bytes(int64_t bytes) { return bytes <= 8 ? 8 : bytes <= 16 ? 16 : kShortPiece; }

/// Packs `count` pixels of short pieces, the first being `first`, `pixel_bytes` apart: the last piece has room there as
/// well. What follows a pixel's pieces is undefined. A piece may be read up to 32 bytes past its end.
void pack_pixels(const PixelPieces& pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                 std::byte* out);

/// In pairs: of pixels whose pieces are not whole words.
inline constexpr int64_t kMostGatheredBytes = 2048;

/// The same for kernels that multiply two pixels at once: of a pair, words of eight bytes in turns, first pixel, second
/// pixel. `pixel_bytes`: room of each in `out`, a multiple of 8; what lies past its pieces is undefined. Of an odd
/// count the last pixel is packed twice. A piece may be read up to 32 bytes past its end.
void pack_pixel_pairs(const PixelPieces& pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                      std::byte* out);

}  // namespace octet
