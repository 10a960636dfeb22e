#include "runtime/steps/convolution.h"

#include <cstring>

#include "runtime/steps/call.h"
#include "runtime/steps/widen.h"

namespace octet {

namespace {

using Layer = ConvolutionStep;

/// Of widened weights, in half of a first-level cache.
constexpr int64_t kCachedWords = 8 << 10;

halide_type_t input_type(const Layer& layer) {
  if (layer.tile.pairs) return halide_type_t(halide_type_int, 64);
  return layer.source.widened ? halide_type_t(halide_type_int, 16) : layer.activation;
}

/// Where a group's channels begin within a pixel.
int64_t in_bytes_before(const Layer& layer, int64_t group) {
  return group * (layer.in_channels / layer.groups) * layer.source.element_bytes();
}

/// What kernels read: the tensor or its copy; or, packed, or of a band, the pixels from this one on.
struct Input {
  const std::byte* bytes;
  int64_t first_pixel = 0;
};

/// Where results go: `bytes` is the place of one channel of one pixel, the others lie around it. And what is added to
/// them, if anything is.
struct Output {
  std::byte* bytes;
  OutputRows rows;
  int64_t element_bytes = 1;
  const std::byte* addend = nullptr;
  int64_t addend_pixel = 0;  // from one pixel of it to the next

  /// The same from another channel on.
  Output from_channel(int64_t c) const {
    Output output = *this;
    output.bytes += c * element_bytes;
    if (addend != nullptr) output.addend += c;
    return output;
  }
  /// The same from pixel p on, where this one is the tensor's first.
  Output from_pixel(int64_t p) const {
    Output output = *this;
    output.bytes += rows.at(p) * element_bytes;
    if (addend != nullptr) output.addend += p * addend_pixel;
    return output;
  }
};

/// Channels of a panel, from a block's first on, and their weights as the kernel takes them.
struct Channels : Range {
  const std::byte* weights;
};

/// Calls run(blocks) for some blocks of channels of a panel at a time, of which the first one's weights are kept as
/// bytes at `kept`. Apart, as small layers notice a large frame.
template <typename Run>
[[gnu::noinline]] void widen_blocks(const Layer& layer, const ConvolutionPanel& panel, Range channels,
                                    const std::byte* kept, const Run& run) {
  alignas(64) int16_t words[kMostWidened];
  const int64_t block = layer.tile.channels, elements = layer.block_elements(panel.steps);
  const int64_t at_once = std::max<int64_t>(1, kCachedWords / elements);
  while (channels.size() > 0) {
    const int64_t blocks = std::min(at_once, ceil_div(channels.size(), block)), count = blocks * elements;
    widen(reinterpret_cast<const uint8_t*>(kept), count, static_cast<int16_t>(layer.weight_zero), words);
    const int64_t end = std::min(channels.begin + blocks * block, channels.end);
    run(Channels{{channels.begin, end}, reinterpret_cast<const std::byte*>(words)});
    channels.begin = end;
    kept += count;
  }
}

/// Calls run(blocks) for all of these at once, or, where weights are kept as bytes, for some at a time.
template <typename Run>
void for_blocks(const Layer& layer, const ConvolutionPanel& panel, Range channels, const RunContext& context,
                const Run& run) {
  const int64_t elements = channels.begin / layer.tile.channels * layer.block_elements(panel.steps);
  const std::byte* const kept = context.constant(panel.weights) + elements * layer.kept_weight_bytes();
  if (layer.weight_zero < 0) return run(Channels{channels, kept});
  widen_blocks(layer, panel, channels, kept, run);
}

/// One kernel call: whole tiles of pixels (part of a row, or whole rows) by whole blocks of channels of a panel. `out`:
/// where the first of them goes.
void call_kernel(const Layer& layer, const ConvolutionPanel& panel, const Channels& channels, Range pixels,
                 const Input& in, const Output& out, const RunContext& context) {
  const ConvolutionTile& tile = layer.tile;
  const OutputRows& rows = out.rows;
  const int64_t word = tile.word, depth = tile.depth / word, packed = tile.packed_channels;
  const int64_t elements = layer.packed_elements(panel.steps);
  const int64_t width = std::min(rows.width, pixels.size());
  const int64_t row = panel.group * layer.padded_group_channels + panel.first + channels.begin;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument input(in.bytes + (layer.packs() ? 0 : in_bytes_before(layer, panel.group)), input_type(layer),
                             {{INT32_MAX, 1}});
  const int32_t* const starts = context.constant(layer.packs() ? layer.packed_offsets : layer.offsets) +
                                (pixels.begin - in.first_pixel) / (tile.pairs ? 2 : 1);
  const BufferArgument offsets(starts, int32, {{INT32_MAX, 1}});
  const BufferArgument runs(context.constant(panel.run_table), int32, {{kRunFields, 1}, {panel.runs, kRunFields}});
  const BufferArgument weights(channels.weights,
                               halide_type_t(halide_type_int, static_cast<uint8_t>(tile.weight_bits * word)),
                               {{depth, 1},
                                {packed, depth},
                                {tile.step / tile.depth, depth * packed},
                                {panel.steps, tile.step / word * packed},
                                {channels.size() / packed, elements / word}});
  const BufferArgument table(context.constant(layer.channel_table) + layer.table_position(row), int32,
                             {{layer.table_position(channels.size()), 1},
                              {kChannelFields, layer.table_position(layer.table_channels())},
                              {pixels.size(), 0}});
  const BufferArgument output(out.bytes, out.element_bytes == 4 ? int32 : layer.activation,
                              {{channels.size(), 1}, {width, rows.pixel}, {pixels.size() / width, rows.row}});
  const auto row_width = static_cast<int32_t>(width);
  if (out.addend != nullptr) {
    const BufferArgument addend(
        out.addend, layer.activation,
        {{channels.size(), 1}, {width, out.addend_pixel}, {pixels.size() / width, width * out.addend_pixel}});
    const BufferArgument factors = layer.sum.factor_buffer(), low_bytes = layer.sum.low_byte_buffer();
    call(context.kernels[panel.kernel], input, offsets, runs, weights, table, panel.excess, panel.fits_int16, row_width,
         layer.output_zero, layer.clamp.lo, layer.clamp.hi, addend, factors, low_bytes, layer.sum.whole,
         layer.sum.fraction, layer.sum_clamp.lo, layer.sum_clamp.hi, output);
    return;
  }
  call(context.kernels[panel.kernel], input, offsets, runs, weights, table, panel.excess, panel.fits_int16, row_width,
       layer.output_zero, layer.clamp.lo, layer.clamp.hi, output);
}

/// The same for part of a tile or block: computed whole into a buffer, of which the wanted part is copied; an addend is
/// copied into another. `out`: where the channels of the tensor's first pixel go.
void call_kernel_cut(const Layer& layer, const ConvolutionPanel& panel, const Channels& channels, Range pixels,
                     const Input& in, const Output& out, const RunContext& context) {
  const int64_t tile = layer.tile.pixels, size = out.element_bytes;
  const int64_t width = round_up(channels.size(), layer.tile.channels);
  alignas(64) std::byte buffer[16384], addends[16384];
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(sizeof buffer) / (width * size * tile)) * tile;
  for (int64_t first = pixels.begin; first < pixels.end; first += most) {
    const int64_t count = std::min(most, pixels.end - first);
    Output whole{.bytes = buffer, .rows = {.width = most, .pixel = width}, .element_bytes = size};
    if (out.addend != nullptr) {
      whole.addend = addends;
      whole.addend_pixel = width;
      for (int64_t i = 0; i < count; i++)
        std::memcpy(addends + i * width, out.from_pixel(first + i).addend, static_cast<size_t>(channels.size()));
    }
    call_kernel(layer, panel, {{channels.begin, channels.begin + width}, channels.weights},
                {first, first + round_up(count, tile)}, in, whole, context);
    for (int64_t i = 0; i < count; i++)
      std::memcpy(out.from_pixel(first + i).bytes, buffer + i * width * size,
                  static_cast<size_t>(channels.size() * size));
  }
}

/// Pixels that calls begin at and end at multiples of, but for the last.
int64_t call_pixels(const Layer& layer, const OutputRows& rows) {
  return rows.apart() ? rows.width : layer.tile.pixels;
}

/// How many of the last pixels of a run must not be written by whole vectors: where a pixel's channels end within a
/// vector, that spills over the next pixels, which is right only if they are written later.
int64_t spilling_pixels(const Layer& layer, int64_t end_of_block) { return ceil_div(end_of_block, layer.channels) - 1; }

/// Some pixels of some channels of a panel; both begin at whole tiles (or rows) and blocks. `out`: the start of the
/// tensor. `spills`: the last block may write over the next pixels' first channels, since these are computed later.
void run_part(const Layer& layer, const ConvolutionPanel& panel, Range channels, Range pixels, bool spills,
              const Input& in, const Output& tensor, const RunContext& context) {
  const OutputRows& rows = tensor.rows;
  const int64_t unit = call_pixels(layer, rows), block = layer.tile.channels;
  const int64_t channel = panel.group * layer.group_channels + panel.first;
  const Output out = tensor.from_channel(channel);
  const auto at = [&](int64_t pixel, int64_t c) { return out.from_pixel(pixel).from_channel(c); };
  const auto whole_units_before = [&](int64_t end) {
    if (layer.tile.any_pixels && !rows.apart()) {
      // What follows begins with a pair.
      const int64_t whole = end < pixels.end && layer.tile.pairs ? 2 : 1;
      return pixels.begin + std::max<int64_t>(0, end - pixels.begin) / whole * whole;
    }
    return pixels.begin + std::max<int64_t>(0, end - pixels.begin) / unit * unit;
  };
  const Range whole_blocks{channels.begin, channels.begin + channels.size() / block * block};
  const Range last_block{whole_blocks.end, channels.end};
  if (last_block.size() > 0) {
    const int64_t end = last_block.begin + block;
    const int64_t spilling = std::max<int64_t>(0, spilling_pixels(layer, channel + end) - rows.behind);
    const int64_t cut = spills ? whole_units_before(pixels.end - spilling) : pixels.begin;
    for_blocks(layer, panel, last_block, context, [&](const Channels& last) {
      if (cut > pixels.begin)
        call_kernel(layer, panel, {{last.begin, end}, last.weights}, {pixels.begin, cut}, in,
                    at(pixels.begin, last.begin), context);
      if (cut < pixels.end)
        call_kernel_cut(layer, panel, last, {cut, pixels.end}, in, out.from_channel(last.begin), context);
    });
  }
  if (whole_blocks.size() > 0) {
    const int64_t cut = whole_units_before(pixels.end);
    const int64_t bytes = layer.block_elements(panel.steps) * (layer.tile.weight_bits / 8);
    for_blocks(layer, panel, whole_blocks, context, [&](const Channels& some) {
      if (cut > pixels.begin)
        call_kernel(layer, panel, some, {pixels.begin, cut}, in, at(pixels.begin, some.begin), context);
      for (Channels one = some; cut < pixels.end && one.begin < some.end; one.begin += block, one.weights += bytes) {
        one.end = one.begin + block;
        call_kernel_cut(layer, panel, one, {cut, pixels.end}, in, out.from_channel(one.begin), context);
      }
    });
  }
}

/// Some pixels of all panels, on all threads: shared by pixels where there are enough tiles, else by blocks of
/// channels.
void run_panels(const Layer& layer, Range all, const Input& in, const Output& out, const RunContext& context) {
  const int64_t unit = call_pixels(layer, out.rows), block = layer.tile.channels;
  const int64_t units = ceil_div(all.size(), unit), blocks = ceil_div(layer.group_channels, block);
  const ConvolutionPanel* const panels = context.constant(layer.panels);
  if (units >= blocks || units >= 8 * context.pool.threads()) {
    // Of one group: of several, what a last block spills over would be the next group's.
    const bool spills = layer.groups == 1;
    const int64_t at_once = blocks > 1 ? std::max<int64_t>(1, layer.pixels_at_once / unit) : units;
    context.pool.parallel_for(units, 1, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin += at_once) {
        const Range pixels{all.begin + begin * unit,
                           std::min(all.begin + std::min(begin + at_once, end) * unit, all.end)};
        // The last panel first: what it spills over, the others write later.
        for (int64_t i = layer.panels.count; i-- > 0;)
          run_part(layer, panels[i], {0, panels[i].channels}, pixels, spills, in, out, context);
      }
    });
    return;
  }
  // Blocks of all panels, counted through: some panels are of one block.
  int64_t of_panels = 0;
  for (int64_t i = 0; i < layer.panels.count; i++) of_panels += ceil_div(panels[i].channels, block);
  context.pool.parallel_for(of_panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0, first = 0; first < end; first += ceil_div(panels[i++].channels, block)) {
      const Range channels{std::max(begin - first, int64_t{0}) * block,
                           std::min((end - first) * block, panels[i].channels)};
      if (channels.size() > 0) run_part(layer, panels[i], channels, all, /*spills=*/false, in, out, context);
    }
  });
}

/// The same where pixels are packed, some after the other.
void run_packed(const Layer& layer, Range all, const Input& in, const Output& out, const RunContext& context) {
  const OutputRows& rows = out.rows;
  const PixelPieces pieces{context.constant(layer.offsets), layer.taps, layer.padded_pixels, layer.tap_bytes};
  const auto pack = layer.tile.pairs ? pack_pixel_pairs : pack_pixels;
  const int64_t unit = call_pixels(layer, rows);
  // A pair does not cross the end of a row.
  const int64_t at_once = layer.tile.pairs && rows.apart() && rows.width % 2 != 0
                              ? 1
                              : packed_pixels(layer.packed_bytes, layer.tile) / unit;
  const ConvolutionPanel* const panels = context.constant(layer.panels);
  context.pool.parallel_for(ceil_div(all.size(), unit), 1, [&](int64_t begin, int64_t end) {
    alignas(64) std::byte packed[kPackedBytes + kSlackBytes];
    for (; begin < end; begin += at_once) {
      const Range pixels{all.begin + begin * unit,
                         std::min(all.begin + std::min(begin + at_once, end) * unit, all.end)};
      int64_t group = -1;  // whose pixels are packed
      for (int64_t i = layer.panels.count; i-- > 0;) {
        if (panels[i].group != group) {
          group = panels[i].group;
          pack(pieces, in.bytes + in_bytes_before(layer, group), pixels.begin - in.first_pixel, pixels.size(),
               layer.packed_bytes, packed);
        }
        run_part(layer, panels[i], {0, panels[i].channels}, pixels, /*spills=*/layer.groups == 1,
                 {packed, pixels.begin}, out, context);
      }
    }
  });
}

/// The same, packed or not.
void run_pixels(const Layer& layer, Range all, const Input& in, const Output& out, const RunContext& context) {
  layer.packs() ? run_packed(layer, all, in, out, context) : run_panels(layer, all, in, out, context);
}

void requantize(const Layer& layer, const std::byte* sums, std::byte* out, const RunContext& context) {
  const int64_t channels = layer.channels;
  const halide_type_t int32(halide_type_int, 32);
  const auto run = [&](Range pixels) {  // of one row
    for (int64_t g = 0; g < layer.groups; g++) {
      const int64_t first = g * layer.group_channels;
      const BufferArgument in(sums + (pixels.begin * channels + first) * 4, int32,
                              {{layer.group_channels, 1}, {pixels.size(), channels}});
      const BufferArgument table(context.constant(layer.requantize_table) + g * layer.padded_group_channels, int32,
                                 {{layer.padded_group_channels, 1}, {kRequantizeFields, layer.table_channels()}});
      const BufferArgument output(out + layer.rows.at(pixels.begin) + first, layer.activation,
                                  {{layer.group_channels, 1}, {pixels.size(), channels}});
      call(context.kernels[layer.requantize], in, table, layer.output_zero, layer.clamp.lo, layer.clamp.hi, output);
    }
  };
  context.pool.parallel_for(layer.pixels, std::max<int64_t>(1, 4096 / channels), [&](int64_t begin, int64_t end) {
    for (int64_t next = 0; begin < end; begin = next) {
      next = std::min(end, (begin / layer.rows.width + 1) * layer.rows.width);
      run({begin, next});
    }
  });
}

/// The input as the kernel reads it: where the layer wants that, copied. `shape`: the source's, or what a band has of
/// it.
const std::byte* prepare_input(const Layer& layer, const PadCopy& shape, std::byte* input, const RunContext& context) {
  auto* in = reinterpret_cast<uint8_t*>(input);
  const ConvolutionSource& source = layer.source;
  const auto zero = static_cast<uint8_t>(layer.input_zero);
  if (source.bordered) fill_border(shape, zero, in);
  if (!source.copied) return input;
  if (source.widened) {
    auto* copy = reinterpret_cast<int16_t*>(context.scratch);
    pad_copy_widened(shape, in, zero, copy, context.pool);
    if (source.outside >= 0) std::fill_n(copy + source.outside, shape.channels, int16_t{0});
  } else {
    auto* copy = reinterpret_cast<uint8_t*>(context.scratch);
    pad_copy(shape, in, zero, copy, context.pool);
    if (source.outside >= 0) std::fill_n(copy + source.outside, shape.channels, zero);
  }
  return context.scratch;
}

Output output_of(const Layer& layer, std::byte* bytes, const RunContext& context) {
  Output out{.bytes = bytes, .rows = layer.rows, .addend_pixel = layer.channels};
  if (layer.adds()) out.addend = context.data<std::byte>(layer.addend);
  return out;
}

}  // namespace

void run(const ConvolutionStep& step, const RunContext& context) {
  const Range pixels{0, step.pixels};
  const Input in{prepare_input(step, step.source.shape, context.data<std::byte>(step.input), context)};
  const Output out = output_of(step, context.data<std::byte>(step.output), context);
  if (!step.requantizes()) return run_pixels(step, pixels, in, out, context);
  const Output sums{.bytes = context.scratch + step.copy_bytes(),
                    .rows = {.width = step.pixels, .pixel = step.channels},
                    .element_bytes = 4};
  run_pixels(step, pixels, in, sums, context);
  requantize(step, sums.bytes, out.bytes, context);
}

void run_rows(const ConvolutionStep& step, Range rows, const ImageRows& in, const ImageRows& out,
              const RunContext& context) {
  PadCopy shape = step.source.shape;
  const int64_t width = shape.in_w, row = step.rows.apart() ? step.rows.row : width * step.channels;
  Input input{in.bytes, in.first * width};
  if (step.source.copied) {
    shape.in_h = shape.height = rows.size();
    std::byte* const first = in.bytes + (rows.begin - in.first) * width * step.in_channels;
    input = {prepare_input(step, shape, first, context), rows.begin * width};
  }
  Output output = output_of(step, out.bytes, context);
  output.rows.first -= out.first * row;
  const Range pixels{rows.begin * width, rows.end * width};
  run_pixels(step, pixels, input, output, context);
}

}  // namespace octet
