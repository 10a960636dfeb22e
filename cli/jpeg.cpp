#include "cli/jpeg.h"

#ifdef OCTET_LIBJPEG

#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

namespace octet::cli {
namespace {

/// libjpeg reports errors by a callback that must not return; its frames hold nothing that unwinding would leak.
[[noreturn]] void throw_error(j_common_ptr decoder) {
  char text[JMSG_LENGTH_MAX];
  decoder->err->format_message(decoder, text);
  throw ModelError(*static_cast<const std::string*>(decoder->client_data) + ": is no readable JPEG: " + text);
}

/// Warnings are small damage that any viewer shows; a file that ends too early is no picture.
void take_message(j_common_ptr decoder, int) {
  if (decoder->err->msg_code == JWRN_JPEG_EOF) throw_error(decoder);
}

struct Decoder {
  explicit Decoder(std::string what) : name(std::move(what)) {
    state.err = jpeg_std_error(&errors);
    errors.error_exit = throw_error;
    errors.emit_message = take_message;
    state.client_data = &name;
    jpeg_create_decompress(&state);
  }
  ~Decoder() { jpeg_destroy_decompress(&state); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  std::string name;
  jpeg_error_mgr errors{};
  jpeg_decompress_struct state{};
};

bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() > 2 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{0xd8};
}

}  // namespace

std::optional<Image> decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels, const std::string& what) {
  if (!is_jpeg(bytes)) return std::nullopt;
  Decoder decoder(what);
  jpeg_decompress_struct& state = decoder.state;
  jpeg_mem_src(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&state, TRUE);
  if (int64_t{state.image_width} * state.image_height > max_pixels)
    throw ModelError(what + ": has over " + std::to_string(max_pixels / 1000000) + " megapixels");
  if (state.jpeg_color_space == JCS_CMYK || state.jpeg_color_space == JCS_YCCK)
    throw ModelError(what + ": is a CMYK JPEG; RGB or grey is needed");
  state.out_color_space = JCS_RGB;
  jpeg_start_decompress(&state);
  Image image{static_cast<int>(state.output_width), static_cast<int>(state.output_height), {}};
  const size_t row = size_t{3} * state.output_width;
  image.rgb.resize(row * state.output_height);
  while (state.output_scanline < state.output_height) {
    JSAMPROW line = image.rgb.data() + row * state.output_scanline;
    jpeg_read_scanlines(&state, &line, 1);
  }
  jpeg_finish_decompress(&state);
  return image;
}

}  // namespace octet::cli

#else

namespace octet::cli {

std::optional<Image> decode_jpeg(std::span<const std::byte>, int64_t, const std::string&) { return std::nullopt; }

}  // namespace octet::cli

#endif
