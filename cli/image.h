// Pictures as networks see them.
//
// A picture's short side counts as 256 units; the network sees the centre 224 of them (a rectangle of the input's own
// aspect), scaled bilinearly to its input. Where that shrinks, the filter widens with the step, so that no pixel is
// skipped (Pillow's BILINEAR, to the bit; plain two-tap interpolation would alias). An eight-bit input takes the byte
// itself: its whole range is the picture's, so that int8 gets pixel - 128 whatever its scale. A float input gets pixel
// / 127.5
// - 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "runtime/plan.h"

namespace octet::cli {

/// Rows of RGB bytes, top to bottom.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;
};

/// JPEG, PNG or BMP, up to 2^26 pixels. Throws ModelError.
Image read_image(const std::filesystem::path& path);

/// The centre of the picture at the given size, both >= 1.
Image fit(const Image& image, int width, int height);

/// Throws ModelError where a network's input is no picture: [1, height, width, 1 or 3] of UINT8, INT8 or FLOAT32.
void require_picture_input(const TensorInfo& input);

/// Writes the picture as the input takes it. One channel gets the luma.
void fill_input(const Image& image, const TensorInfo& input, std::span<std::byte> bytes);

}  // namespace octet::cli
