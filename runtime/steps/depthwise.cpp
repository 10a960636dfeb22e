#include "runtime/steps/depthwise.h"

#include <cstring>

#include "runtime/steps/call.h"

namespace octet {

namespace {

using Layer = DepthwiseStep;

/// Outputs whose rows and columns are these but for multiples of row_phases and column_phases.
struct Phase {
  int64_t row = 0, column = 0;
};

/// Those of the numbers in `all` that belong to one of `phases`, counted in that.
Range in_phase(Range all, int64_t phase, int64_t phases) {
  const auto before = [&](int64_t end) { return ceil_div(std::max<int64_t>(end - phase, 0), phases); };
  return {before(all.begin), before(all.end)};
}

/// Which of some rows or columns, `step` apart and of which the first lies `first` behind the image's, the image has,
/// and where its own are among these.
struct Inside {
  int64_t min, extent, skipped;

  Inside(int64_t first, int64_t size, int64_t step)
      : min(first > 0 ? -(first / step) : ceil_div(-first, step)), extent(0), skipped(first + min * step) {
    extent = ceil_div(std::max<int64_t>(size - skipped, 0), step);
  }
};

/// Tells the kernel which of the padded image's columns and rows, counted from column `left` and row `top`, lie in
/// memory, where they begin, and how far from there the row of padding is: less than 2^31 bytes, as is all of the
/// arena.
void read_padding(BufferArgument& input, const Layer& layer, int64_t top, int64_t left, const std::byte* in,
                  const RunContext& context) {
  const PadCopy& image = layer.image.shape;
  const Inside columns(left - image.left, image.in_w, layer.column_phases),
      rows(top - image.top, image.in_h, layer.row_phases);
  in += rows.skipped * layer.image.row() + columns.skipped * layer.image.channels();
  input.buffer.host = reinterpret_cast<uint8_t*>(const_cast<std::byte*>(in));
  input.dimensions[1].min = static_cast<int32_t>(columns.min);
  input.dimensions[1].extent = static_cast<int32_t>(columns.extent);
  input.dimensions[2].min = static_cast<int32_t>(rows.min);
  input.dimensions[2].extent = static_cast<int32_t>(rows.extent);
  input.dimensions[3].stride = static_cast<int32_t>(context.data<std::byte>(layer.image.padding) - in);
}

/// Of a phase: some rows of one image of the batch, some joined channels of a section, some (joined) pixels of each
/// row. `filters`: the channels' weights, as the kernel takes them.
void call_kernel(const Layer& layer, const DepthwiseSection& section, const Phase& phase, Range rows, Range channels,
                 Range pixels, const void* filters, const ImageRows& in, const ImageRows& out,
                 const RunContext& context) {
  const DepthwiseLayout& l = layer.layout;
  const halide_type_t int32(halide_type_int, 32), activation = layer.activation;
  const int64_t row_step = layer.row_phases, column_step = layer.column_phases;
  const int64_t y = phase.row + rows.begin * row_step, x = phase.column + pixels.begin * column_step;
  const int64_t top = y * layer.stride_h - in.first, left = x * layer.joined * layer.stride_w;
  const std::byte* from = in.bytes + top * layer.image.row() + x * layer.pixel_step + channels.begin;
  std::byte* to = out.bytes + (((y - out.first) * layer.out_w + x * layer.joined) * layer.out_c + channels.begin) *
                                  layer.output_bytes();
  const BufferArgument weights(
      filters, halide_type_t(halide_type_int, static_cast<uint8_t>(l.weight_bits)),
      {{l.depth, 1},
       {l.panel, l.depth},
       {section.taps, l.depth * l.panel},
       {ceil_div(round_up(channels.size(), l.block), l.panel), layer.panel_elements(section.taps)}});
  const BufferArgument table(
      context.constant(layer.channel_table) + channels.begin, int32,
      {{round_up(channels.size(), l.block), 1}, {kChannelFields, layer.padded_channels}, {pixels.size(), 0}});
  const BufferArgument output(to, layer.output_bytes() == 4 ? int32 : activation,
                              {{channels.size(), 1},
                               {pixels.size(), column_step * layer.joined_channels()},
                               {rows.size(), row_step * layer.out_w * layer.out_c}});
  if (layer.any_geometry != 0) {
    const BufferArgument input(from, activation, {{INT32_MAX, 1}});
    const BufferArgument offsets(context.constant(layer.offsets), int32, {{l.depth, 1}, {section.taps, l.depth}});
    const auto groups = static_cast<int32_t>(section.taps), to_pixel = static_cast<int32_t>(layer.pixel_step),
               to_row = static_cast<int32_t>(layer.stride_h * layer.image.row());
    call(context.kernels[section.kernel], input, offsets, weights, table, groups, to_pixel, to_row, layer.output_zero,
         layer.clamp.lo, layer.clamp.hi, output);
  } else {
    const bool in_columns = section.columns_shared != 0;
    BufferArgument input(from, activation,
                         {{round_up(channels.size(), l.block), 1},
                          {in_columns ? ceil_div(layer.image.shape.width - left, column_step) : INT32_MAX,
                           column_step * (in_columns ? layer.image.channels() : layer.pixel_step)},
                          {ceil_div(in.count - top, row_step), row_step * layer.image.row()}});
    if (layer.image.unpadded()) read_padding(input, layer, top, left, in.bytes + channels.begin, context);
    call(context.kernels[section.kernel], input, layer.pair_step, layer.odd_step, weights, table, section.fits_or_row,
         layer.output_zero, layer.clamp.lo, layer.clamp.hi, output);
  }
}

/// The same with weights that are kept as bytes, some blocks of channels at a time. Apart, as small layers notice a
/// large frame.
[[gnu::noinline]] void call_kernel_widened(const Layer& layer, const DepthwiseSection& section, const Phase& phase,
                                           Range rows, Range channels, Range pixels, const std::byte* kept,
                                           const ImageRows& in, const ImageRows& out, const RunContext& context) {
  alignas(64) int16_t words[kMostWidened];
  const auto zero = static_cast<int16_t>(layer.weight_zero);
  const int64_t block = layer.layout.block, elements = layer.block_elements(section.taps);
  const int64_t at_once = kMostWidened / elements;
  while (channels.size() > 0) {
    const int64_t blocks = std::min(at_once, ceil_div(channels.size(), block)), count = blocks * elements;
    const auto* const bytes = reinterpret_cast<const uint8_t*>(kept);
    widen_panels(bytes, count / section.kept.widened(), section.kept, zero, words);
    const int64_t end = std::min(channels.begin + blocks * block, channels.end);
    call_kernel(layer, section, phase, rows, {channels.begin, end}, pixels, words, in, out, context);
    channels.begin = end;
    kept += layer.kept_bytes(count, section);
  }
}

/// The same with weights as they are kept.
void call_kernel(const Layer& layer, const DepthwiseSection& section, const Phase& phase, Range rows, Range channels,
                 Range pixels, const ImageRows& in, const ImageRows& out, const RunContext& context) {
  const int64_t blocks = (channels.begin - section.channels.begin) / layer.layout.block;
  const std::byte* const kept =
      context.constant(section.weights) + layer.kept_bytes(blocks * layer.block_elements(section.taps), section);
  if (layer.weight_zero < 0) return call_kernel(layer, section, phase, rows, channels, pixels, kept, in, out, context);
  call_kernel_widened(layer, section, phase, rows, channels, pixels, kept, in, out, context);
}

/// The same for any number of pixels: in as many calls as it takes, of about as many.
void call_kernel_by_columns(const Layer& layer, const DepthwiseSection& section, const Phase& phase, Range rows,
                            Range channels, Range pixels, const ImageRows& in, const ImageRows& out,
                            const RunContext& context) {
  const int64_t calls = ceil_div(pixels.size(), section.pixels_at_once), count = ceil_div(pixels.size(), calls);
  for (int64_t first = pixels.begin; first < pixels.end; first += count)
    call_kernel(layer, section, phase, rows, channels, {first, std::min(first + count, pixels.end)}, in, out, context);
}

/// Some rows, some blocks of joined channels. What is left of a row after whole joined pixels is one of fewer channels.
void run_part(const Layer& layer, Range rows, Range channels, const ImageRows& in, const ImageRows& out,
              const RunContext& context) {
  const int64_t whole = layer.out_w / layer.joined, rest = layer.out_w % layer.joined;
  for (int64_t i = 0; i < layer.sections.count; i++) {
    const DepthwiseSection& section = context.constant(layer.sections)[i];
    const Range part{std::max(channels.begin, section.channels.begin), std::min(channels.end, section.channels.end)};
    for (int64_t phase = 0; phase < layer.row_phases * layer.column_phases; phase++) {
      const Phase p{phase / layer.column_phases, phase % layer.column_phases};
      const Range lines = in_phase(rows, p.row, layer.row_phases),
                  pixels = in_phase({0, whole}, p.column, layer.column_phases);
      if (part.size() > 0 && lines.size() > 0 && pixels.size() > 0)
        call_kernel_by_columns(layer, section, p, lines, part, pixels, in, out, context);
      const Range left{part.begin, std::min(part.end, rest * layer.out_c)};
      if (left.size() > 0 && lines.size() > 0)
        call_kernel(layer, section, p, lines, left, {whole, whole + 1}, in, out, context);
    }
  }
}

void requantize(const Layer& layer, Range rows, const std::byte* sums, std::byte* out, const RunContext& context) {
  const int64_t channels = layer.out_c, first = rows.begin * layer.out_w, count = rows.size() * layer.out_w;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument in(sums + first * channels * 4, int32, {{channels, 1}, {count, channels}});
  const BufferArgument table(context.constant(layer.requantize_table), int32,
                             {{channels, 1}, {kRequantizeFields, channels}});
  const BufferArgument output(out + first * channels, layer.activation, {{channels, 1}, {count, channels}});
  call(context.kernels[layer.requantize], in, table, layer.output_zero, layer.clamp.lo, layer.clamp.hi, output);
}

/// Blocks of channels of bands of rows, counted through: of as few calls as they take.
void run_blocks(const Layer& layer, Range rows, Range units, const ImageRows& in, const ImageRows& out,
                const RunContext& context) {
  const int64_t at_once = layer.rows_at_once, block = layer.layout.block, channels = layer.joined_channels();
  const int64_t blocks = ceil_div(channels, block);
  while (units.size() > 0) {
    const int64_t band = units.begin / blocks, first = units.begin % blocks;
    const bool whole = first == 0 && units.size() >= blocks;
    const int64_t bands = whole ? units.size() / blocks : 1;
    const int64_t last = whole ? blocks : std::min(first + units.size(), blocks);
    const Range some{rows.begin + band * at_once, std::min(rows.begin + (band + bands) * at_once, rows.end)};
    run_part(layer, some, {first * block, std::min(last * block, channels)}, in, out, context);
    units.begin += bands * (last - first);
  }
}

/// Some rows of one image of the batch. Threads share them, or, where these are few, their blocks of channels. `finish`
/// is called for rows that are done.
template <typename Finish>
void share_rows(const Layer& layer, Range rows, const ImageRows& in, const ImageRows& out, const RunContext& context,
                const Finish& finish) {
  const int64_t at_once = layer.rows_at_once, threads = context.pool.threads();
  const int64_t bands = ceil_div(rows.size(), at_once), blocks = ceil_div(layer.joined_channels(), layer.layout.block);
  if (threads == 1 || bands >= 16 * threads) {
    context.pool.parallel_for(bands, 1, [&](int64_t begin, int64_t end) {
      const Range some{rows.begin + begin * at_once, std::min(rows.begin + end * at_once, rows.end)};
      run_part(layer, some, {0, layer.joined_channels()}, in, out, context);
      finish(some);
    });
  } else {
    context.pool.parallel_for(bands * blocks, 1, [&](int64_t begin, int64_t end) {
      run_blocks(layer, rows, {begin, end}, in, out, context);
    });
    finish(rows);
  }
}

}  // namespace

void run(const DepthwiseStep& layer, const RunContext& context) {
  auto* in = context.data<std::byte>(layer.input);
  auto* out = context.data<std::byte>(layer.output);
  const PadCopy& s = layer.image.shape;
  if (layer.image.copied) {
    pad_copy(s, reinterpret_cast<const uint8_t*>(in), static_cast<uint8_t>(layer.input_zero),
             reinterpret_cast<uint8_t*>(context.scratch), context.pool);
    in = context.scratch;
  }
  if (layer.image.bordered) fill_border(s, static_cast<uint8_t>(layer.input_zero), context.data<uint8_t>(layer.input));
  const int64_t in_image = (layer.image.unpadded() ? s.in_h : s.height) * layer.image.row(),
                out_image = layer.out_h * layer.out_w * layer.out_c;
  std::byte* const sums = context.scratch + layer.image_bytes();
  for (int64_t b = 0; b < layer.batch; b++, in += in_image, out += out_image)
    share_rows(layer, {0, layer.out_h}, {in, 0, s.height}, {layer.requantizes() ? sums : out, 0, layer.out_h}, context,
               [&](Range rows) {
                 if (layer.requantizes()) requantize(layer, rows, sums, out, context);
               });
}

void run_rows(const DepthwiseStep& layer, Range rows, const ImageRows& in, const ImageRows& out,
              const RunContext& context) {
  share_rows(layer, rows, in, out, context, [](Range) {});
}

}  // namespace octet
