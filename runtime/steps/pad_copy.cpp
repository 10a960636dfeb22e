#include "runtime/steps/pad_copy.h"

#include <algorithm>
#include <cstring>

#include "runtime/steps/widen.h"

namespace octet {

namespace {

void fill(uint8_t* out, int64_t count, uint8_t value) {
  if (count > 0) std::memset(out, value, static_cast<size_t>(count));
}

void fill(int16_t* out, int64_t count, int16_t value) { std::fill_n(out, std::max<int64_t>(count, 0), value); }

/// Calls row(in, out, count) for the part of each row inside the image, and fills the rest.
template <typename T, typename Row>
void copy_rows(const PadCopy& s, const uint8_t* in, T border, T* out, const Parallel& pool, const Row& row) {
  const int64_t out_channels = s.channels * s.repeat, out_row = s.width * out_channels;
  const int64_t from = std::clamp<int64_t>(s.left, 0, s.width),
                to = std::clamp<int64_t>(s.left + s.in_w, from, s.width);
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(out_row, 1));
  pool.parallel_for(s.batch * s.height, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / s.height, y = i % s.height - s.top;
      T* o = out + i * out_row;
      if (y < 0 || y >= s.in_h) {
        fill(o, out_row, border);
        continue;
      }
      fill(o, from * out_channels, border);
      row(in + (b * s.in_h + y) * s.in_w * s.channels + (from - s.left) * s.channels, o + from * out_channels,
          (to - from) * s.channels);
      fill(o + to * out_channels, (s.width - to) * out_channels, border);
    }
  });
}

/// `count` pixels of `Chunk * chunks` bytes, each `step` bytes after the one before it: copies of a size that the
/// compiler knows, which it writes out.
template <int Chunk>
void copy_pixels(const uint8_t* in, int64_t step, int64_t count, int64_t chunks, uint8_t* out) {
  for (int64_t i = 0; i < count; i++, in += step)
    for (int64_t j = 0; j < chunks; j++, out += Chunk) std::memcpy(out, in + j * Chunk, Chunk);
}

/// `count` pixels, each `step` bytes after the one before it, channels repeated.
void copy_pixels(const PadCopy& s, const uint8_t* in, int64_t step, int64_t count, uint8_t* out) {
  if (s.repeat == 1 && s.channels % 32 == 0) return copy_pixels<32>(in, step, count, s.channels / 32, out);
  if (s.repeat == 1 && s.channels % 16 == 0) return copy_pixels<16>(in, step, count, s.channels / 16, out);
  if (s.repeat == 1 && s.channels % 8 == 0) return copy_pixels<8>(in, step, count, s.channels / 8, out);
  for (int64_t i = 0; i < count; i++, in += step)
    for (int64_t c = 0; c < s.channels; c++, out += s.repeat) std::memset(out, in[c], static_cast<size_t>(s.repeat));
}

/// Row `i` of all batches, phase by phase.
void copy_row_by_phase(const PadCopy& s, int64_t i, const uint8_t* in, uint8_t border, uint8_t* out) {
  const int64_t b = i / s.height, y = i % s.height - s.top, pixel = s.channels * s.repeat, columns = s.width / s.phases;
  uint8_t* o = out + i * s.width * pixel;
  if (y < 0 || y >= s.in_h) return fill(o, s.width * pixel, border);
  const uint8_t* row = in + (b * s.in_h + y) * s.in_w * s.channels;
  for (int64_t phase = 0; phase < s.phases; phase++, o += columns * pixel) {
    // Columns before the image, and before its end.
    const int64_t from = std::clamp<int64_t>((s.left - phase + s.phases - 1) / s.phases, 0, columns);
    const int64_t to = std::clamp<int64_t>((s.left + s.in_w - phase + s.phases - 1) / s.phases, from, columns);
    fill(o, from * pixel, border);
    if (to > from)
      copy_pixels(s, row + (from * s.phases + phase - s.left) * s.channels, s.phases * s.channels, to - from,
                  o + from * pixel);
    fill(o + to * pixel, (columns - to) * pixel, border);
  }
}

}  // namespace

void pad_copy(const PadCopy& s, const uint8_t* in, uint8_t fill, uint8_t* out, const Parallel& pool) {
  if (s.phases > 1) {
    const int64_t grain = std::max<int64_t>(1, 8192 / (s.width * s.channels * s.repeat));
    pool.parallel_for(s.batch * s.height, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) copy_row_by_phase(s, i, in, fill, out);
    });
    return;
  }
  copy_rows(s, in, fill, out, pool, [&](const uint8_t* from, uint8_t* to, int64_t count) {
    if (s.repeat == 1) {
      std::memcpy(to, from, static_cast<size_t>(count));
      return;
    }
    for (int64_t i = 0; i < count; i++) std::memset(to + i * s.repeat, from[i], static_cast<size_t>(s.repeat));
  });
}

void fill_border(const PadCopy& s, uint8_t value, uint8_t* out) {
  const int64_t row = s.width * s.channels, left = s.left * s.channels,
                right = (s.width - s.left - s.in_w) * s.channels;
  for (int64_t b = 0; b < s.batch; b++) {
    uint8_t* const image = out + b * s.height * row;
    if (s.in_h == 0) {
      fill(image, s.height * row, value);
      continue;
    }
    fill(image, s.top * row + left, value);
    // What is right of a row and left of the next lies together.
    for (int64_t y = s.top; y + 1 < s.top + s.in_h; y++) fill(image + (y + 1) * row - right, right + left, value);
    const int64_t end = (s.top + s.in_h) * row - right;
    fill(image + end, s.height * row - end, value);
  }
}

void pad_copy_widened(const PadCopy& s, const uint8_t* in, uint8_t zero_point, int16_t* out, const Parallel& pool) {
  copy_rows(s, in, int16_t{0}, out, pool, [&](const uint8_t* from, int16_t* to, int64_t count) {
    const int16_t zero = zero_point;
    if (s.repeat == 1) {
      widen(from, count, zero, to);
      return;
    }
    for (int64_t i = 0; i < count; i++) std::fill_n(to + i * s.repeat, s.repeat, static_cast<int16_t>(from[i] - zero));
  });
}

}  // namespace octet
