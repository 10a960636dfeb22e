// JPEG by libjpeg-turbo, whose pixels are what training pipelines saw; other decoders differ by a grey level here and
// there.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/image.h"

namespace octet::cli {

/// Nothing where the bytes are no JPEG, or where this build has no libjpeg (image.cpp's own decoder takes over then).
/// Throws ModelError, naming `what`, for a broken or larger picture.
std::optional<Image> decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels, const std::string& what);

}  // namespace octet::cli
