// CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV: an offset table that turns any geometry into sums over rows of bytes
// (generators/convolution.h), weights packed as the target's kernels want them, and the choice of a register tile.
#include <algorithm>
#include <cmath>
#include <string>

#include "runtime/kernels.h"
#include "runtime/ops/channel_parameters.h"
#include "runtime/ops/integer.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/pad_copy.h"
#include "runtime/ops/tensor_values.h"
#include "runtime/ops/weight_parts.h"

namespace octet {

namespace {

/// The weights' residuals q_w - Z_w as [out_c][tap][k], taps and k as the kernel sees them.
struct Residuals {
  int64_t taps, depth;  // taps a pixel, consecutive elements a tap
  std::vector<int16_t> values;

  /// Those of `count` channels.
  std::span<const int16_t> of(int64_t first, int64_t count) const {
    return std::span(values).subspan(static_cast<size_t>(first * taps * depth),
                                     static_cast<size_t>(count * taps * depth));
  }
};

/// How the input is read: in place, or from a copy with a border (which also widens, where the target wants int16).
struct Source {
  bool copied = false;
  PadCopy shape{};  // of the copy; where not copied, of the input itself
  bool widened = false;
  int64_t outside = -1;  // an element offset where `channels` zero points lie; transposed convolutions need one

  int64_t elements() const { return shape.elements() + (outside >= 0 ? shape.channels : 0); }
  int64_t element_bytes() const { return widened ? 2 : 1; }
};

Source source_of(const Convolution& op, bool widened) {
  Source source;
  source.widened = widened;
  PadCopy& s = source.shape;
  s = {.batch = op.batch, .in_h = op.in_h, .in_w = op.in_w, .channels = op.in_c, .height = op.in_h, .width = op.in_w};
  bool needs_border = op.transposed;
  if (op.transposed) {
    source.outside = s.elements();
  } else {
    const int64_t height = int64_t{op.out_h - 1} * op.stride_h + int64_t{op.k_h - 1} * op.dilation_h + 1;
    const int64_t width = int64_t{op.out_w - 1} * op.stride_w + int64_t{op.k_w - 1} * op.dilation_w + 1;
    needs_border = op.pads.top > 0 || op.pads.left > 0 || height > op.in_h || width > op.in_w;
    if (needs_border) {
      s.top = op.pads.top;
      s.left = op.pads.left;
      s.height = height;
      s.width = width;
    }
  }
  source.copied = needs_border || widened;
  return source;
}

/// Whether a whole filter row is one tap: its pixels lie side by side in the input.
bool rows_merge(const Convolution& op, int64_t multiple) {
  if (op.transposed || op.dilation_w != 1 || op.groups != 1 || op.k_w == 1) return false;
  return round_up(int64_t{op.k_w} * op.in_c, multiple) <= op.k_w * round_up(op.in_c, multiple);
}

/// Offset of filter tap (ky, kx) of an output pixel, in elements of the source.
int64_t tap_offset(const Convolution& op, const Source& source, int64_t b, int64_t oy, int64_t ox, int64_t ky,
                   int64_t kx) {
  int64_t y = oy * op.stride_h + ky * op.dilation_h, x = ox * op.stride_w + kx * op.dilation_w;
  if (op.transposed) {
    y = oy + op.pads.top - ky;
    x = ox + op.pads.left - kx;
    if (y < 0 || x < 0 || y % op.stride_h != 0 || x % op.stride_w != 0) return source.outside;
    y /= op.stride_h;
    x /= op.stride_w;
    if (y >= op.in_h || x >= op.in_w) return source.outside;
  }
  return ((b * source.shape.height + y) * source.shape.width + x) * op.in_c;
}

/// int32 [taps * repeats][padded pixels]; pixels past the last repeat it.
const int32_t* keep_offsets(PlanBuilder& builder, const Convolution& op, const Source& source, bool merged,
                            int64_t repeats, int64_t padded) {
  const int64_t pixels = int64_t{op.batch} * op.out_h * op.out_w;
  const int64_t taps_x = merged ? 1 : op.k_w, taps = op.k_h * taps_x;
  std::string key = "offsets";
  for (int64_t v : {int64_t{op.batch}, int64_t{op.in_h}, int64_t{op.in_w}, int64_t{op.in_c}, int64_t{op.out_h},
                    int64_t{op.out_w}, int64_t{op.k_h}, taps_x, int64_t{op.stride_h}, int64_t{op.stride_w},
                    int64_t{op.dilation_h}, int64_t{op.dilation_w}, int64_t{op.transposed}, int64_t{op.pads.top},
                    int64_t{op.pads.left}, source.shape.height, source.shape.width, repeats, padded})
    key.append(" ").append(std::to_string(v));
  return builder.keep_table(key, taps * repeats * padded, [&](int32_t* table) {
    for (int64_t t = 0; t < taps * repeats; t++) {
      const int64_t ky = t % taps / taps_x, kx = t % taps_x;
      for (int64_t p = 0; p < padded; p++) {
        const int64_t pixel = std::min(p, pixels - 1), ox = pixel % op.out_w, oy = pixel / op.out_w % op.out_h;
        table[t * padded + p] =
            static_cast<int32_t>(tap_offset(op, source, pixel / (int64_t{op.out_w} * op.out_h), oy, ox, ky, kx));
      }
    }
  });
}

/// The filter [out_c, k_h, k_w, depth] is already in the order of taps, merged or not.
Residuals residuals_of(const Convolution& op, const Tensor& filter, bool merged) {
  Residuals r;
  const int64_t in_c = op.in_c / op.groups;
  r.depth = merged ? op.k_w * in_c : in_c;
  r.taps = merged ? op.k_h : int64_t{op.k_h} * op.k_w;
  const int64_t per_channel = r.depth * r.taps;
  r.values.resize(static_cast<size_t>(op.out_c * per_channel));
  for (int64_t c = 0; c < op.out_c; c++) {
    const int32_t zero = zero_point_of(filter, c);
    for (int64_t i = c * per_channel; i < (c + 1) * per_channel; i++)
      r.values[static_cast<size_t>(i)] = static_cast<int16_t>(stored_value(filter, i) - zero);
  }
  return r;
}

/// Consecutive channels of one group whose kernel calls are alike.
struct Panel {
  int64_t group, first, channels;  // first: within the group
  int64_t repeats;
  const std::byte* weights;
  const int32_t* offsets;
};

/// Everything the step needs when it runs.
struct Layer {
  Convolution op;
  Source source;
  Kernel kernel, requantize;  // requantize: only where the fast rescale does not hold
  ConvolutionLayout layout;
  int32_t input, output;
  int32_t input_zero, output_zero;
  int64_t pixels, padded_pixels, taps, blocks;
  int64_t group_channels, padded_group_channels;
  const int32_t* channel_table;
  const int32_t* requantize_table = nullptr;
  std::vector<Panel> panels;

  int64_t lanes() const { return layout.lanes; }
  int64_t block_channels() const { return int64_t{layout.lanes} * kernel.info->schedule.vectors; }
  int64_t block_elements(int64_t repeats) const { return blocks * taps * repeats * layout.depth * layout.lanes; }
  int64_t table_channels() const { return padded_group_channels * op.groups; }
  int64_t copy_bytes() const {
    return source.copied ? round_up(source.elements() * source.element_bytes() + kSlackBytes, 64) : 0;
  }
};

/// The tile that wastes least: full tiles cost their multiplies plus the loads of a step.
Kernel choose_kernel(Family family, Target target, int64_t pixels, int64_t channels) {
  Kernel best;
  double best_cost = 0;
  for (const Kernel& kernel : find_kernels(family, target)) {
    const int64_t p = kernel.info->schedule.pixels, v = kernel.info->schedule.vectors;
    const auto tiles =
        static_cast<double>(ceil_div(pixels, p) * ceil_div(channels, v * convolution_layout(target).lanes));
    const double cost = tiles * (static_cast<double>(p * v) + 0.5 * static_cast<double>(p + v));
    if (best.info == nullptr || cost < best_cost) {
      best = kernel;
      best_cost = cost;
    }
  }
  return best;
}

/// Some channels' residuals in the kernels' order; `out` is zero at first. One part of a residual is the residual.
template <typename T>
void pack_block(const Residuals& r, const WeightRange& range, int64_t first, int64_t channels, int64_t repeats,
                const ConvolutionLayout& layout, T* out) {
  const int64_t blocks = round_up(r.depth, layout.multiple) / layout.depth, step = int64_t{layout.lanes} * layout.depth;
  for (int64_t row = 0; row < repeats * r.taps; row++, out += blocks * step) {
    const int64_t repeat = row / r.taps, tap = row % r.taps;
    for (int64_t lane = 0; lane < channels; lane++) {
      const int16_t* from = &r.values[static_cast<size_t>(((first + lane) * r.taps + tap) * r.depth)];
      T* to = out + lane * layout.depth;
      for (int64_t k = 0; k < r.depth; k += layout.depth, to += step)
        for (int64_t i = 0; i < std::min<int64_t>(layout.depth, r.depth - k); i++)
          to[i] = static_cast<T>(repeats == 1 ? from[k + i] : range.part(from[k + i], repeat));
    }
  }
}

const std::byte* pack_panel(PlanBuilder& builder, const Layer& layer, const Residuals& r, const Panel& panel) {
  const int64_t vectors = round_up(panel.channels, layer.block_channels()) / layer.lanes();
  const int64_t stride = layer.block_elements(panel.repeats), count = vectors * stride;
  const int64_t file_bytes = panel.channels * r.taps * r.depth;
  const WeightRange range = weight_range(builder.target(), layer.layout.input_bits);
  const int64_t base = panel.group * layer.group_channels + panel.first;
  const auto pack = [&](auto* out) {
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t left = std::max<int64_t>(0, panel.channels - v * layer.lanes());
      pack_block(r, range, base + v * layer.lanes(), std::min(left, layer.lanes()), panel.repeats, layer.layout,
                 out + v * stride);
    }
    return reinterpret_cast<const std::byte*>(out);
  };
  return layer.layout.input_bits == 16 ? pack(builder.keep_weights<int16_t>(count, file_bytes))
                                       : pack(builder.keep_weights<int8_t>(count, file_bytes));
}

/// Groups blocks of channels that need equally many repeats into panels.
void make_panels(PlanBuilder& builder, Layer& layer, const Residuals& r, bool merged) {
  const WeightRange range = weight_range(builder.target(), layer.layout.input_bits);
  const int64_t block = layer.block_channels();
  for (int64_t g = 0; g < layer.op.groups; g++) {
    const size_t first_of_group = layer.panels.size();
    for (int64_t first = 0; first < layer.group_channels; first += block) {
      const int64_t count = std::min(block, layer.group_channels - first);
      const int64_t repeats = range.parts_for(r.of(g * layer.group_channels + first, count));
      if (layer.panels.size() > first_of_group && layer.panels.back().repeats == repeats)
        layer.panels.back().channels += count;
      else
        layer.panels.push_back({g, first, count, repeats, nullptr, nullptr});
    }
  }
  for (Panel& panel : layer.panels) {
    panel.weights = pack_panel(builder, layer, r, panel);
    panel.offsets = keep_offsets(builder, layer.op, layer.source, merged, panel.repeats, layer.padded_pixels);
  }
}

/// Folds the input's zero point into the bias (not where the input is widened less its zero point), and bounds the
/// sums.
void fold_bias(const Layer& layer, const Residuals& r, const Tensor* bias, std::vector<int32_t>& folded,
               std::vector<int64_t>& largest) {
  const int64_t per_channel = r.taps * r.depth;
  for (int64_t c = 0; c < layer.op.out_c; c++) {
    int64_t sum = 0, magnitude = 0;
    for (int64_t i = c * per_channel; i < (c + 1) * per_channel; i++) {
      sum += r.values[static_cast<size_t>(i)];
      magnitude += std::abs(r.values[static_cast<size_t>(i)]);
    }
    int32_t b = 0;
    if (bias != nullptr) std::memcpy(&b, bias->data.data() + c * 4, 4);
    // As the sums themselves, the bias wraps: only the total has to fit.
    folded.push_back(static_cast<int32_t>(b - (layer.source.widened ? 0 : layer.input_zero * sum)));
    largest.push_back(magnitude * 255 + std::abs(static_cast<int64_t>(b)));
  }
}

/// Tables are by group, each padded to whole blocks; the layer's channels are not. Spreads the latter out.
template <typename T>
std::vector<T> spread(const Layer& layer, std::span<const T> values) {
  std::vector<T> out(static_cast<size_t>(layer.table_channels()));
  for (int64_t c = 0; c < layer.op.out_c; c++)
    out[static_cast<size_t>(c / layer.group_channels * layer.padded_group_channels + c % layer.group_channels)] =
        values[values.size() == 1 ? 0 : static_cast<size_t>(c)];
  return out;
}

halide_type_t input_halide_type(const Layer& layer, Target target) {
  return layer.layout.input_bits == 16 ? halide_type_t(halide_type_int, 16) : activation_halide_type(target);
}

struct Range {
  int64_t begin, end;

  int64_t size() const { return end - begin; }
};

/// Where outputs go: `row` elements from pixel to pixel.
struct Destination {
  std::byte* data;
  int64_t row;
};

int64_t output_bytes(const Layer& layer) { return layer.requantize.info != nullptr ? 4 : 1; }

/// One kernel call: whole tiles of pixels by whole blocks of channels of a panel.
void call_kernel(const Layer& layer, const Panel& panel, Range channels, Range pixels, const std::byte* in,
                 Destination out, Target target) {
  const ConvolutionLayout& l = layer.layout;
  const int64_t taps = layer.taps * panel.repeats, stride = layer.block_elements(panel.repeats);
  const int64_t row = panel.group * layer.padded_group_channels + panel.first + channels.begin;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument input(in + panel.group * (layer.op.in_c / layer.op.groups) * layer.source.element_bytes(),
                             input_halide_type(layer, target), {{INT32_MAX, 1}});
  const BufferArgument offsets(panel.offsets + pixels.begin, int32, {{pixels.size(), 1}, {taps, layer.padded_pixels}});
  const BufferArgument weights(panel.weights + channels.begin / l.lanes * stride * (l.input_bits / 8),
                               halide_type_t(halide_type_int, static_cast<uint8_t>(l.input_bits)),
                               {{l.depth, 1},
                                {l.lanes, l.depth},
                                {layer.blocks * taps, l.depth * l.lanes},
                                {channels.size() / l.lanes, stride}});
  const BufferArgument table(layer.channel_table + row, int32,
                             {{channels.size(), 1}, {kChannelFields, layer.table_channels()}, {pixels.size(), 0}});
  const BufferArgument output(out.data, output_bytes(layer) == 4 ? int32 : activation_halide_type(target),
                              {{channels.size(), 1}, {pixels.size(), out.row}});
  const auto blocks = static_cast<int32_t>(layer.blocks);
  call(layer.kernel.function, input, offsets, weights, table, blocks, layer.output_zero, layer.op.clamp.lo,
       layer.op.clamp.hi, output);
}

/// The same for part of a tile or block: computed whole into a buffer, of which the wanted part is copied.
void call_kernel_cut(const Layer& layer, const Panel& panel, Range channels, Range pixels, const std::byte* in,
                     Destination out, Target target) {
  const int64_t tile = layer.kernel.info->schedule.pixels, size = output_bytes(layer);
  const int64_t width = round_up(channels.size(), layer.block_channels());
  alignas(64) std::byte buffer[16384];
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(sizeof buffer) / (width * size * tile)) * tile;
  for (int64_t first = pixels.begin; first < pixels.end; first += most) {
    const int64_t count = std::min(most, pixels.end - first);
    call_kernel(layer, panel, {channels.begin, channels.begin + width}, {first, first + round_up(count, tile)}, in,
                {buffer, width}, target);
    for (int64_t i = 0; i < count; i++)
      std::memcpy(out.data + (first - pixels.begin + i) * out.row * size, buffer + i * width * size,
                  static_cast<size_t>(channels.size() * size));
  }
}

/// Some pixels of some channels of a panel; both begin at whole tiles and blocks. `out`: the start of the tensor.
void run_part(const Layer& layer, const Panel& panel, Range channels, Range pixels, const std::byte* in, std::byte* out,
              Target target) {
  const int64_t tile = layer.kernel.info->schedule.pixels, block = layer.block_channels(), row = layer.op.out_c;
  const int64_t channel = panel.group * layer.group_channels + panel.first;
  const auto at = [&](int64_t pixel, int64_t c) {
    return Destination{out + (pixel * row + channel + c) * output_bytes(layer), row};
  };
  const Range whole_tiles{pixels.begin, pixels.begin + pixels.size() / tile * tile},
      last_tile{whole_tiles.end, pixels.end};
  const Range whole_blocks{channels.begin, channels.begin + channels.size() / block * block};
  const Range last_block{whole_blocks.end, channels.end};
  if (whole_blocks.size() > 0 && whole_tiles.size() > 0)
    call_kernel(layer, panel, whole_blocks, whole_tiles, in, at(whole_tiles.begin, whole_blocks.begin), target);
  for (int64_t c = whole_blocks.begin; last_tile.size() > 0 && c < whole_blocks.end; c += block)
    call_kernel_cut(layer, panel, {c, c + block}, last_tile, in, at(last_tile.begin, c), target);
  if (last_block.size() > 0)
    call_kernel_cut(layer, panel, last_block, pixels, in, at(pixels.begin, last_block.begin), target);
}

/// All pixels of a panel, on all threads: shared by pixels where there are enough tiles, else by blocks of channels.
void run_panel(const Layer& layer, const Panel& panel, const std::byte* in, std::byte* out, Target target,
               ThreadPool& pool) {
  const int64_t tile = layer.kernel.info->schedule.pixels, block = layer.block_channels();
  const int64_t tiles = ceil_div(layer.pixels, tile), blocks = ceil_div(panel.channels, block);
  if (tiles >= blocks || tiles >= 8 * pool.threads()) {
    pool.parallel_for(tiles, 1, [&](int64_t begin, int64_t end) {
      run_part(layer, panel, {0, panel.channels}, {begin * tile, std::min(end * tile, layer.pixels)}, in, out, target);
    });
  } else {
    pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
      run_part(layer, panel, {begin * block, std::min(end * block, panel.channels)}, {0, layer.pixels}, in, out,
               target);
    });
  }
}

void requantize(const Layer& layer, const std::byte* sums, std::byte* out, Target target, ThreadPool& pool) {
  const int64_t channels = layer.op.out_c;
  pool.parallel_for(layer.pixels, std::max<int64_t>(1, 4096 / channels), [&](int64_t begin, int64_t end) {
    for (int64_t g = 0; g < layer.op.groups; g++) {
      const int64_t first = begin * channels + g * layer.group_channels;
      const BufferArgument in(sums + first * 4, halide_type_t(halide_type_int, 32),
                              {{layer.group_channels, 1}, {end - begin, channels}});
      const BufferArgument table(layer.requantize_table + g * layer.padded_group_channels,
                                 halide_type_t(halide_type_int, 32),
                                 {{layer.padded_group_channels, 1}, {kRequantizeFields, layer.table_channels()}});
      const BufferArgument output(out + first, activation_halide_type(target),
                                  {{layer.group_channels, 1}, {end - begin, channels}});
      call(layer.requantize.function, in, table, layer.output_zero, layer.op.clamp.lo, layer.op.clamp.hi, output);
    }
  });
}

/// The input as the kernel reads it: copied into scratch where the layer wants that.
const std::byte* prepare_input(const Layer& layer, const RunContext& context) {
  const auto* in = context.data<uint8_t>(layer.input);
  const Source& source = layer.source;
  if (!source.copied) return reinterpret_cast<const std::byte*>(in);
  const auto zero = static_cast<uint8_t>(layer.input_zero);
  if (source.widened) {
    auto* copy = reinterpret_cast<int16_t*>(context.scratch);
    pad_copy_widened(source.shape, in, zero, copy, context.pool);
    if (source.outside >= 0) std::fill_n(copy + source.outside, source.shape.channels, int16_t{0});
  } else {
    auto* copy = reinterpret_cast<uint8_t*>(context.scratch);
    pad_copy(source.shape, in, zero, copy, context.pool);
    if (source.outside >= 0) std::fill_n(copy + source.outside, source.shape.channels, zero);
  }
  return context.scratch;
}

}  // namespace

void plan(const Convolution& op, const Node& node, PlanBuilder& builder) {
  const Target target = builder.target();
  auto layer = std::make_shared<Layer>();
  layer->op = op;
  layer->layout = convolution_layout(target);
  layer->source = source_of(op, layer->layout.input_bits == 16);
  layer->input = node.inputs[0];
  layer->output = node.outputs[0];
  layer->input_zero = zero_point_of(builder.tensor(layer->input));
  layer->output_zero = zero_point_of(builder.tensor(layer->output));

  if (layer->source.elements() > INT32_MAX)
    throw ModelError(node.name + ": the padded input has more than 2^31 elements");
  const bool merged = rows_merge(op, layer->layout.multiple);
  const Residuals residuals = residuals_of(op, builder.tensor(node.inputs[1]), merged);
  layer->taps = residuals.taps;
  layer->blocks = round_up(residuals.depth, layer->layout.multiple) / layer->layout.depth;
  layer->pixels = int64_t{op.batch} * op.out_h * op.out_w;
  layer->group_channels = op.out_c / op.groups;

  std::vector<int32_t> bias;
  std::vector<int64_t> largest;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  fold_bias(*layer, residuals, has_bias ? &builder.tensor(node.inputs[2]) : nullptr, bias, largest);
  const bool fast = fast_rescale_holds(target, {op.out_c, op.rescale, bias, largest, layer->output_zero});

  layer->kernel =
      choose_kernel(fast ? Family::Convolution : Family::ConvolutionSum, target, layer->pixels, layer->group_channels);
  if (!fast) layer->requantize = find_kernel(Family::Requantize, target);
  layer->padded_pixels =
      round_up(layer->pixels, layer->kernel.info->schedule.pixels) + layer->kernel.info->schedule.pixels;
  layer->padded_group_channels = round_up(layer->group_channels, layer->block_channels());
  make_panels(builder, *layer, residuals, merged);

  const auto rescale = spread<FixedPoint>(*layer, op.rescale);
  const auto padded_bias = spread<int32_t>(*layer, bias);
  const auto padded_largest = spread<int64_t>(*layer, largest);
  const ChannelRescale channels{layer->table_channels(), rescale, padded_bias, padded_largest, layer->output_zero};
  layer->channel_table = keep_channel_table(builder, channels, layer->table_channels());
  if (!fast) layer->requantize_table = keep_requantize_table(builder, channels, layer->table_channels());

  Step step = builder.step_for(node, std::string(layer->kernel.info->name));
  step.scratch_bytes = layer->copy_bytes() + (fast ? 0 : layer->pixels * op.out_c * 4);
  step.run = [layer, target](const RunContext& context) {
    const std::byte* in = prepare_input(*layer, context);
    std::byte* out = context.data<std::byte>(layer->output);
    std::byte* sums = context.scratch + layer->copy_bytes();
    for (const Panel& panel : layer->panels)
      run_panel(*layer, panel, in, layer->requantize.info != nullptr ? sums : out, target, context.pool);
    if (layer->requantize.info != nullptr) requantize(*layer, sums, out, target, context.pool);
  };
  builder.add(std::move(step));
}

}  // namespace octet
