// Pixels as kernels take them that multiply two at once: for each, the bytes of all taps side by side; of a pair, words
// of eight bytes in turns, first pixel, second pixel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet {

/// How pixels are gathered: `taps` pieces of `tap_bytes` each, at offsets[tap * tap_stride + pixel].
struct PixelPieces {
  const int32_t* offsets;
  int64_t taps, tap_stride, tap_bytes;

  int64_t bytes() const { return taps * tap_bytes; }
};

/// Of pixels whose pieces are not whole words.
inline constexpr int64_t kMostGatheredBytes = 2048;

/// Packs `count` pixels, the first being `first`. `pixel_bytes`: room of each in `out`, a multiple of 8; what lies past
/// its pieces is undefined. Of an odd count the last pixel is packed twice. A piece may be read up to 32 bytes past
/// its end.
void pack_pixel_pairs(PixelPieces pieces, const std::byte* in, int64_t first, int64_t count, int64_t pixel_bytes,
                      std::byte* out);

}  // namespace octet
