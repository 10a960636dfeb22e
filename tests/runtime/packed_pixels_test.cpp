#include "runtime/steps/packed_pixels.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace octet {
namespace {

/// Pixels of short pieces: each whole, wherever its pieces lie, and nothing else written but in the pixels' room.
TEST(PackedPixels, OfShortPieces) {
  std::mt19937 random(1);
  std::vector<std::byte> in(1000 + 32);
  for (std::byte& b : in) b = static_cast<std::byte>(random());
  for (int64_t bytes = 1; bytes <= kShortPiece; bytes++)
    for (const int64_t taps : {1, 2, 3, 9})
      for (const int64_t count : {1, 2, 7, 8, 9, 19}) {
        const int64_t first = static_cast<int64_t>(random() % 3), stride = first + count + 2;
        const int64_t room = (taps - 1) * bytes + short_piece_bytes(bytes);
        std::vector<int32_t> offsets(static_cast<size_t>(taps * stride));
        for (int32_t& offset : offsets) offset = static_cast<int32_t>(random() % 969);
        constexpr auto kUntouched = std::byte{0xa5};
        std::vector<std::byte> out(static_cast<size_t>(count * room + 1), kUntouched);
        pack_pixels({offsets.data(), taps, stride, bytes}, in.data(), first, count, room, out.data());
        for (int64_t p = 0; p < count; p++)
          for (int64_t i = 0; i < taps * bytes; i++) {
            const int32_t from = offsets[static_cast<size_t>(i / bytes * stride + first + p)];
            ASSERT_EQ(out[static_cast<size_t>(p * room + i)], in[static_cast<size_t>(from + i % bytes)])
                << taps << " x " << bytes << ", pixel " << p << " of " << count;
          }
        EXPECT_EQ(out.back(), kUntouched);
      }
}

}  // namespace
}  // namespace octet
