#include "cli/image.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cli/jpeg.h"
#include "system/files.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 16384
#include <stb/stb_image.h>

namespace octet::cli {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 26;
constexpr double kSeenShare = 224.0 / 256;

constexpr int kWeightBits = 22;

/// The input pixels that one output pixel is made of, and how much each counts, in units of 2^-22.
struct Tap {
  int first;
  std::vector<int32_t> weights;
};

/// `count` output pixels over [from, from + extent) of `size` input pixels, by a triangle filter.
std::vector<Tap> make_taps(double from, double extent, int size, int count) {
  const double step = extent / count, radius = std::max(step, 1.0);
  const int lowest = std::max(0, static_cast<int>(std::floor(from + 0.5)));
  const int highest = std::min(size, std::max(lowest + 1, static_cast<int>(std::ceil(from + extent - 0.5))));
  std::vector<Tap> taps;
  for (int i = 0; i < count; ++i) {
    const double centre = from + (i + 0.5) * step;  // pixel p covers [p, p + 1)
    const int first = std::clamp(static_cast<int>(std::floor(centre - radius + 0.5)), lowest, highest - 1);
    const int last = std::clamp(static_cast<int>(std::floor(centre + radius + 0.5)), first + 1, highest);
    std::vector<double> weights;
    double sum = 0;
    for (int p = first; p < last; ++p) {
      weights.push_back(std::max(0.0, 1 - std::abs(p + 0.5 - centre) / radius));
      sum += weights.back();
    }
    if (sum == 0) weights[0] = sum = 1;
    Tap tap{first, {}};
    for (const double w : weights)
      tap.weights.push_back(static_cast<int32_t>(std::lround(w / sum * (1 << kWeightBits))));
    taps.push_back(std::move(tap));
  }
  return taps;
}

/// One output byte: `stride` bytes lie between a tap's pixels.
uint8_t weighted(const uint8_t* pixel, size_t stride, const Tap& tap) {
  int64_t sum = int64_t{1} << (kWeightBits - 1);
  for (const int32_t weight : tap.weights) sum += int64_t{weight} * *pixel, pixel += stride;
  return static_cast<uint8_t>(std::clamp<int64_t>(sum >> kWeightBits, 0, 255));
}

std::vector<uint8_t> scale_rows(const Image& image, const std::vector<Tap>& taps) {
  std::vector<uint8_t> out;
  out.reserve(static_cast<size_t>(image.height) * taps.size() * 3);
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* const row = image.rgb.data() + static_cast<size_t>(y) * static_cast<size_t>(image.width) * 3;
    for (const Tap& tap : taps)
      for (int channel = 0; channel < 3; ++channel) out.push_back(weighted(row + 3 * tap.first + channel, 3, tap));
  }
  return out;
}

std::vector<uint8_t> scale_columns(const std::vector<uint8_t>& rows, size_t row_length, const std::vector<Tap>& taps) {
  std::vector<uint8_t> out;
  out.reserve(row_length * taps.size());
  for (const Tap& tap : taps)
    for (size_t x = 0; x < row_length; ++x)
      out.push_back(weighted(rows.data() + static_cast<size_t>(tap.first) * row_length + x, row_length, tap));
  return out;
}

uint8_t luma(const uint8_t* rgb) { return static_cast<uint8_t>((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8); }

}  // namespace

Image read_image(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  if (bytes.size() > (size_t{1} << 30)) throw ModelError(path.string() + ": has more than 1 GiB");
  const auto* const data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto size = static_cast<int>(bytes.size());
  const auto fail = [&] {
    throw ModelError(path.string() + ": is no readable JPEG, PNG or BMP: " + stbi_failure_reason());
  };
  if (std::optional<Image> jpeg = decode_jpeg(bytes, kMaxPixels, path.string())) return *std::move(jpeg);
  Image image;
  int channels = 0;
  if (!stbi_info_from_memory(data, size, &image.width, &image.height, &channels)) fail();
  if (int64_t{1} * image.width * image.height > kMaxPixels)
    throw ModelError(path.string() + ": has over 67 megapixels");
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &image.width, &image.height, &channels, 3), stbi_image_free);
  if (!pixels) fail();
  image.rgb.assign(pixels.get(), pixels.get() + int64_t{3} * image.width * image.height);
  return image;
}

Image fit(const Image& image, int width, int height) {
  // The largest centred rectangle of the wanted aspect, then the share of it that networks see.
  const double scale =
      kSeenShare * std::min(static_cast<double>(image.width) / width, static_cast<double>(image.height) / height);
  const double seen_w = scale * width, seen_h = scale * height;
  const std::vector<Tap> columns = make_taps((image.width - seen_w) / 2, seen_w, image.width, width);
  const std::vector<Tap> rows = make_taps((image.height - seen_h) / 2, seen_h, image.height, height);
  return {width, height, scale_columns(scale_rows(image, columns), static_cast<size_t>(width) * 3, rows)};
}

void require_picture_input(const TensorInfo& input) {
  const bool shape_fits =
      input.shape.size() == 4 && input.shape[0] == 1 && (input.shape[3] == 3 || input.shape[3] == 1);
  const bool type_fits =
      input.type == DataType::UInt8 || input.type == DataType::Int8 || input.type == DataType::Float32;
  if (!shape_fits || !type_fits) {
    throw ModelError("input '" + input.name + "' (" + std::string(name_of(input.type)) + " " + to_string(input.shape) +
                     ") takes no picture; give raw bytes by --input");
  }
}

void fill_input(const Image& image, const TensorInfo& input, std::span<std::byte> bytes) {
  require_picture_input(input);
  const Image seen = fit(image, input.shape[2], input.shape[1]);
  std::vector<uint8_t> values = seen.rgb;
  if (input.shape[3] == 1) {
    values.resize(seen.rgb.size() / 3);
    for (size_t i = 0; i < values.size(); ++i) values[i] = luma(&seen.rgb[3 * i]);
  }
  if (input.type == DataType::Float32) {
    for (size_t i = 0; i < values.size(); ++i) {
      const float value = static_cast<float>(values[i]) / 127.5f - 1;
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    return;
  }
  const uint8_t flip = input.type == DataType::Int8 ? 0x80 : 0;
  for (size_t i = 0; i < values.size(); ++i) bytes[i] = static_cast<std::byte>(values[i] ^ flip);
}

}  // namespace octet::cli
