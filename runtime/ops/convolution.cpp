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

  std::span<const int16_t> of(int64_t channel, int64_t tap, int64_t first, int64_t count) const {
    return std::span(values).subspan(static_cast<size_t>((channel * taps + tap) * depth + first),
                                     static_cast<size_t>(count));
  }
};

/// How the input is read: in place, or from a copy with a border (which also widens, where the target wants int16).
struct Source {
  bool copied = false;
  PadCopy shape{};                         // of the copy; where not copied, of the input itself
  bool widened = false, bordered = false;  // bordered: the input has its border in memory
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

/// int32 [taps][padded pixels]; pixels past the last repeat it.
const int32_t* keep_offsets(PlanBuilder& builder, const Convolution& op, const Source& source, bool merged,
                            int64_t padded) {
  const int64_t pixels = int64_t{op.batch} * op.out_h * op.out_w;
  const int64_t taps_x = merged ? 1 : op.k_w, taps = op.k_h * taps_x;
  std::string key = "offsets";
  for (int64_t v : {int64_t{op.batch}, int64_t{op.in_h}, int64_t{op.in_w}, int64_t{op.in_c}, int64_t{op.out_h},
                    int64_t{op.out_w}, int64_t{op.k_h}, taps_x, int64_t{op.stride_h}, int64_t{op.stride_w},
                    int64_t{op.dilation_h}, int64_t{op.dilation_w}, int64_t{op.transposed}, int64_t{op.pads.top},
                    int64_t{op.pads.left}, source.shape.height, source.shape.width, padded})
    key.append(" ").append(std::to_string(v));
  return builder.keep_table(key, taps * padded, [&](int32_t* table) {
    for (int64_t t = 0; t < taps; t++) {
      const int64_t ky = t / taps_x, kx = t % taps_x;
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

/// A step of the kernels that adds what the main loop's weights do not hold of some channels' residuals.
struct ExcessStep {
  int64_t tap, first, part;  // first: element of the tap; part: of the residuals (weight_parts.h)
};

/// Consecutive channels of one group whose kernel calls are alike.
struct Panel {
  int64_t group, first, channels;  // first: within the group
  std::vector<ExcessStep> excess = {};
  const int32_t* excess_table = nullptr;  // of each step: tap, first
  const std::byte* weights = nullptr;
};

/// How outputs lie in memory: in rows of so many pixels; all distances in elements.
struct Rows {
  int64_t first = 0;  // where the first pixel begins
  int64_t width;      // pixels of a row: all of them where nothing lies between rows
  int64_t pixel, row = 0;
  int64_t behind = 0;  // pixels of room behind each row

  bool apart() const { return row > 0; }
  int64_t at(int64_t p) const { return first + p / width * row + p % width * pixel; }
};

Rows rows_of(const Convolution& op, const Pads& margins) {
  const int64_t channels = op.out_c, width = int64_t{margins.left} + op.out_w + margins.right;
  if (margins == Pads{}) return {.width = int64_t{op.batch} * op.out_h * op.out_w, .pixel = channels};
  return {.first = (margins.top * width + margins.left) * channels,
          .width = op.out_w,
          .pixel = channels,
          .row = width * channels,
          .behind = margins.right};
}

/// Everything the step needs when it runs.
struct Layer {
  Convolution op;
  Source source;
  Kernel kernel, requantize;  // requantize: only where the fast rescale does not hold
  ConvolutionLayout layout;
  int32_t input, output;
  int32_t input_zero, output_zero;
  int64_t pixels, padded_pixels, taps, blocks;
  const int32_t* offsets;
  int64_t group_channels, padded_group_channels;
  const int32_t* channel_table;
  const int32_t* requantize_table = nullptr;
  std::vector<Panel> panels;
  Rows rows;  // of the output

  int64_t lanes() const { return layout.lanes; }
  int weight_bits() const { return octet::weight_bits(*kernel.info); }
  int64_t block_channels() const { return int64_t{layout.lanes} * kernel.info->schedule.vectors; }
  /// Of one vector of channels: for every step `lanes` groups of `depth`.
  int64_t vector_elements(const Panel& panel) const {
    return (blocks * taps * layout.depth + std::ssize(panel.excess) * layout.multiple) * layout.lanes;
  }
  int64_t table_channels() const { return padded_group_channels * op.groups; }
  int64_t copy_bytes() const {
    return source.copied ? round_up(source.elements() * source.element_bytes() + kSlackBytes, 64) : 0;
  }
};

/// What a layer costs with a kernel's tile, in multiplications of a vector: those of full tiles, the loads of a step,
/// the rescaling of a vector (which narrows two or four at once where it can) and what a tile costs beside.
double cost_of(const Convolution& op, const KernelInfo& kernel) {
  const ConvolutionLayout layout = convolution_layout(kernel.target);
  const int64_t p = kernel.schedule.pixels, v = kernel.schedule.vectors;
  const int64_t pixels = int64_t{op.batch} * op.out_h * op.out_w, channels = op.out_c / op.groups,
                steps = ceil_div(int64_t{op.k_h} * op.k_w * (op.in_c / op.groups), layout.depth);
  const auto tiles = static_cast<double>(ceil_div(pixels, p) * ceil_div(channels, v * layout.lanes));
  const double step = static_cast<double>(p * v) + 0.5 * static_cast<double>(p + v);
  const double rescale = v % 4 == 0 ? 8 : v % 2 == 0 ? 8.5 : 10;
  return tiles * (static_cast<double>(steps) * step + static_cast<double>(p * v) * rescale + 60);
}

/// The cheapest kernel of those whose tiles fit into rows of `width`; any fit into 0. May find none.
Kernel choose_kernel(Family family, Target target, const Convolution& op, int64_t width) {
  Kernel best;
  for (const Kernel& kernel : find_kernels(family, target))
    if (width % kernel.info->schedule.pixels == 0 &&
        (best.info == nullptr || cost_of(op, *kernel.info) < cost_of(op, *best.info)))
      best = kernel;
  return best;
}

/// Part `part` of `count` residuals of each of some channels, from element `first` of a tap on, in the kernels' order:
/// groups of `depth`, side by side for all lanes. `out` is zero at first. Returns the end.
template <typename T>
T* pack_tap(const Residuals& r, const WeightRange& range, Range channels, int64_t tap, int64_t first, int64_t count,
            int64_t part, const ConvolutionLayout& layout, T* out) {
  const int64_t step = int64_t{layout.lanes} * layout.depth, given = std::min(count, r.depth - first);
  for (int64_t c = channels.begin; c < channels.end; c++) {
    const int16_t* from = &r.values[static_cast<size_t>((c * r.taps + tap) * r.depth + first)];
    T* to = out + (c - channels.begin) * layout.depth;
    for (int64_t k = 0; k < given; k++)
      to[k / layout.depth * step + k % layout.depth] = static_cast<T>(range.part(from[k], part));
  }
  return out + count * layout.lanes;
}

const std::byte* pack_panel(PlanBuilder& builder, const Layer& layer, const Residuals& r, const Panel& panel) {
  const int64_t vectors = round_up(panel.channels, layer.block_channels()) / layer.lanes();
  const int64_t stride = layer.vector_elements(panel);
  const int64_t file_bytes = panel.channels * r.taps * r.depth;
  const WeightRange range = weight_range(builder.target(), layer.weight_bits());
  const int64_t base = panel.group * layer.group_channels + panel.first, end = base + panel.channels;
  const auto pack = [&](auto* weights) {
    for (int64_t v = 0; v < vectors; v++) {
      const int64_t first = std::min(base + v * layer.lanes(), end);
      const Range channels{first, std::min(first + layer.lanes(), end)};
      auto* out = weights + v * stride;
      for (int64_t tap = 0; tap < r.taps; tap++)
        out = pack_tap(r, range, channels, tap, 0, layer.blocks * layer.layout.depth, 0, layer.layout, out);
      for (const ExcessStep& e : panel.excess)
        out = pack_tap(r, range, channels, e.tap, e.first, layer.layout.multiple, e.part, layer.layout, out);
    }
    return reinterpret_cast<const std::byte*>(weights);
  };
  return layer.weight_bits() == 16 ? pack(builder.keep_weights<int16_t>(vectors * stride, file_bytes))
                                   : pack(builder.keep_weights<int8_t>(vectors * stride, file_bytes));
}

/// The steps that `count` channels need beyond the main loop.
std::vector<ExcessStep> excess_steps(const Residuals& r, const WeightRange& range, int64_t first, int64_t count,
                                     int64_t multiple) {
  std::vector<ExcessStep> steps;
  for (int64_t tap = 0; tap < r.taps; tap++)
    for (int64_t k = 0; k < r.depth; k += multiple) {
      int64_t parts = 1;
      for (int64_t c = first; c < first + count; c++)
        parts = std::max(parts, range.parts_for(r.of(c, tap, k, std::min(multiple, r.depth - k))));
      for (int64_t part = 1; part < parts; part++) steps.push_back({tap, k, part});
    }
  return steps;
}

const int32_t* keep_excess_table(PlanBuilder& builder, const std::vector<ExcessStep>& steps) {
  auto* table = builder.keep<int32_t>(std::ssize(steps) * 2);
  int32_t* next = table;
  for (const ExcessStep& e : steps) {
    *next++ = static_cast<int32_t>(e.tap);
    *next++ = static_cast<int32_t>(e.first);
  }
  return table;
}

/// Blocks of channels without excess weights go together; the others are panels of their own.
void make_panels(PlanBuilder& builder, Layer& layer, const Residuals& r) {
  const WeightRange range = weight_range(builder.target(), layer.weight_bits());
  const int64_t block = layer.block_channels();
  for (int64_t g = 0; g < layer.op.groups; g++) {
    bool extends = false;
    for (int64_t first = 0; first < layer.group_channels; first += block) {
      const int64_t count = std::min(block, layer.group_channels - first);
      Panel panel{g, first, count};
      panel.excess = excess_steps(r, range, g * layer.group_channels + first, count, layer.layout.multiple);
      if (extends && panel.excess.empty())
        layer.panels.back().channels += count;
      else
        layer.panels.push_back(panel);
      extends = panel.excess.empty();
    }
  }
  for (Panel& panel : layer.panels) {
    panel.weights = pack_panel(builder, layer, r, panel);
    panel.excess_table = keep_excess_table(builder, panel.excess);
  }
}

/// Folds the input's zero point into the bias (not where the input is widened less its zero point), and bounds the
/// sums.
void fold_bias(const Layer& layer, const Residuals& r, const Tensor* bias, std::vector<int32_t>& folded,
               std::vector<SumRange>& sums) {
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
    sums.push_back({b - magnitude * 255, b + magnitude * 255});
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

int64_t output_bytes(const Layer& layer) { return layer.requantize.info != nullptr ? 4 : 1; }

/// One kernel call: whole tiles of pixels (part of a row, or whole rows) by whole blocks of channels of a panel. `out`:
/// where the first of them goes.
void call_kernel(const Layer& layer, const Panel& panel, Range channels, Range pixels, const std::byte* in,
                 std::byte* out, const Rows& rows, Target target) {
  const ConvolutionLayout& l = layer.layout;
  const int64_t stride = layer.vector_elements(panel);
  const int64_t width = std::min(rows.width, pixels.size());
  const int64_t row = panel.group * layer.padded_group_channels + panel.first + channels.begin;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument input(in + panel.group * (layer.op.in_c / layer.op.groups) * layer.source.element_bytes(),
                             input_halide_type(layer, target), {{INT32_MAX, 1}});
  const BufferArgument offsets(layer.offsets + pixels.begin, int32,
                               {{pixels.size(), 1}, {layer.taps, layer.padded_pixels}});
  const BufferArgument excess(panel.excess_table, int32, {{2, 1}, {std::ssize(panel.excess), 2}});
  const BufferArgument weights(panel.weights + channels.begin / l.lanes * stride * (layer.weight_bits() / 8),
                               halide_type_t(halide_type_int, static_cast<uint8_t>(layer.weight_bits())),
                               {{l.depth, 1},
                                {l.lanes, l.depth},
                                {stride / (l.depth * l.lanes), l.depth * l.lanes},
                                {channels.size() / l.lanes, stride}});
  const BufferArgument table(layer.channel_table + row, int32,
                             {{channels.size(), 1}, {kChannelFields, layer.table_channels()}, {pixels.size(), 0}});
  const BufferArgument output(out, output_bytes(layer) == 4 ? int32 : activation_halide_type(target),
                              {{channels.size(), 1}, {width, rows.pixel}, {pixels.size() / width, rows.row}});
  const auto blocks = static_cast<int32_t>(layer.blocks), row_width = static_cast<int32_t>(width);
  call(layer.kernel.function, input, offsets, excess, weights, table, blocks, row_width, layer.output_zero,
       layer.op.clamp.lo, layer.op.clamp.hi, output);
}

/// The same for part of a tile or block: computed whole into a buffer, of which the wanted part is copied. `out`: where
/// the channels of the tensor's first pixel go.
void call_kernel_cut(const Layer& layer, const Panel& panel, Range channels, Range pixels, const std::byte* in,
                     std::byte* out, const Rows& rows, Target target) {
  const int64_t tile = layer.kernel.info->schedule.pixels, size = output_bytes(layer);
  const int64_t width = round_up(channels.size(), layer.block_channels());
  alignas(64) std::byte buffer[16384];
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(sizeof buffer) / (width * size * tile)) * tile;
  for (int64_t first = pixels.begin; first < pixels.end; first += most) {
    const int64_t count = std::min(most, pixels.end - first);
    call_kernel(layer, panel, {channels.begin, channels.begin + width}, {first, first + round_up(count, tile)}, in,
                buffer, {.width = most, .pixel = width}, target);
    for (int64_t i = 0; i < count; i++)
      std::memcpy(out + rows.at(first + i) * size, buffer + i * width * size,
                  static_cast<size_t>(channels.size() * size));
  }
}

/// Pixels that calls begin at and end at multiples of, but for the last.
int64_t call_pixels(const Layer& layer, const Rows& rows) {
  return rows.apart() ? rows.width : layer.kernel.info->schedule.pixels;
}

/// How many of the last pixels of a run must not be written by whole vectors: where a pixel's channels end within a
/// vector, that spills over the next pixels, which is right only if they are written later.
int64_t spilling_pixels(const Layer& layer, int64_t end_of_block) {
  return ceil_div(end_of_block, int64_t{layer.op.out_c}) - 1;
}

/// Some pixels of some channels of a panel; both begin at whole tiles (or rows) and blocks. `out`: the start of the
/// tensor. `spills`: the last block may write over the next pixels' first channels, since these are computed later.
void run_part(const Layer& layer, const Panel& panel, Range channels, Range pixels, bool spills, const std::byte* in,
              std::byte* out, const Rows& rows, Target target) {
  const int64_t unit = call_pixels(layer, rows), block = layer.block_channels(), size = output_bytes(layer);
  const int64_t channel = panel.group * layer.group_channels + panel.first;
  out += channel * size;
  const auto at = [&](int64_t pixel, int64_t c) { return out + (rows.at(pixel) + c) * size; };
  const auto whole_units_before = [&](int64_t end) {
    return pixels.begin + std::max<int64_t>(0, end - pixels.begin) / unit * unit;
  };
  const Range whole_blocks{channels.begin, channels.begin + channels.size() / block * block};
  const Range last_block{whole_blocks.end, channels.end};
  if (last_block.size() > 0) {
    const int64_t end = last_block.begin + block;
    const int64_t spilling = std::max<int64_t>(0, spilling_pixels(layer, channel + end) - rows.behind);
    const int64_t cut = spills ? whole_units_before(pixels.end - spilling) : pixels.begin;
    if (cut > pixels.begin)
      call_kernel(layer, panel, {last_block.begin, end}, {pixels.begin, cut}, in, at(pixels.begin, last_block.begin),
                  rows, target);
    if (cut < pixels.end)
      call_kernel_cut(layer, panel, last_block, {cut, pixels.end}, in, out + last_block.begin * size, rows, target);
  }
  if (whole_blocks.size() > 0) {
    const int64_t cut = whole_units_before(pixels.end);
    if (cut > pixels.begin)
      call_kernel(layer, panel, whole_blocks, {pixels.begin, cut}, in, at(pixels.begin, whole_blocks.begin), rows,
                  target);
    for (int64_t c = whole_blocks.begin; cut < pixels.end && c < whole_blocks.end; c += block)
      call_kernel_cut(layer, panel, {c, c + block}, {cut, pixels.end}, in, out + c * size, rows, target);
  }
}

/// Pixels whose input stays in the second-level cache while all blocks of channels pass over it.
int64_t pixels_at_once(const Layer& layer) {
  constexpr int64_t kBytes = 128 << 10;
  const Convolution& op = layer.op;
  const int64_t pixel =
      int64_t{op.in_c} * layer.source.element_bytes() * std::min(op.stride_h, op.k_h) * std::min(op.stride_w, op.k_w);
  return std::max<int64_t>(1, kBytes / pixel);
}

/// All pixels of a panel, on all threads: shared by pixels where there are enough tiles, else by blocks of channels.
void run_panel(const Layer& layer, const Panel& panel, const std::byte* in, std::byte* out, const Rows& rows,
               Target target, ThreadPool& pool) {
  const int64_t unit = call_pixels(layer, rows), block = layer.block_channels();
  const int64_t units = ceil_div(layer.pixels, unit), blocks = ceil_div(panel.channels, block);
  if (units >= blocks || units >= 8 * pool.threads()) {
    // Of one group: of several, what a last block spills over would be the next group's.
    const bool spills = layer.op.groups == 1;
    const int64_t at_once = panel.channels > block ? std::max<int64_t>(1, pixels_at_once(layer) / unit) : units;
    pool.parallel_for(units, 1, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin += at_once) {
        const Range pixels{begin * unit, std::min(std::min(begin + at_once, end) * unit, layer.pixels)};
        run_part(layer, panel, {0, panel.channels}, pixels, spills, in, out, rows, target);
      }
    });
  } else {
    pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
      run_part(layer, panel, {begin * block, std::min(end * block, panel.channels)}, {0, layer.pixels},
               /*spills=*/false, in, out, rows, target);
    });
  }
}

void requantize(const Layer& layer, const std::byte* sums, std::byte* out, Target target, ThreadPool& pool) {
  const int64_t channels = layer.op.out_c;
  const halide_type_t int32(halide_type_int, 32);
  const auto run = [&](Range pixels) {  // of one row
    for (int64_t g = 0; g < layer.op.groups; g++) {
      const int64_t first = g * layer.group_channels;
      const BufferArgument in(sums + (pixels.begin * channels + first) * 4, int32,
                              {{layer.group_channels, 1}, {pixels.size(), channels}});
      const BufferArgument table(layer.requantize_table + g * layer.padded_group_channels, int32,
                                 {{layer.padded_group_channels, 1}, {kRequantizeFields, layer.table_channels()}});
      const BufferArgument output(out + layer.rows.at(pixels.begin) + first, activation_halide_type(target),
                                  {{layer.group_channels, 1}, {pixels.size(), channels}});
      call(layer.requantize.function, in, table, layer.output_zero, layer.op.clamp.lo, layer.op.clamp.hi, output);
    }
  };
  pool.parallel_for(layer.pixels, std::max<int64_t>(1, 4096 / channels), [&](int64_t begin, int64_t end) {
    for (int64_t next = 0; begin < end; begin = next) {
      next = std::min(end, (begin / layer.rows.width + 1) * layer.rows.width);
      run({begin, next});
    }
  });
}

/// The input as the kernel reads it: copied into scratch where the layer wants that.
const std::byte* prepare_input(const Layer& layer, const RunContext& context) {
  const auto* in = context.data<uint8_t>(layer.input);
  const Source& source = layer.source;
  const auto zero = static_cast<uint8_t>(layer.input_zero);
  if (source.bordered) fill_border(source.shape, zero, context.data<uint8_t>(layer.input));
  if (!source.copied) return reinterpret_cast<const std::byte*>(in);
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

std::optional<Pads> border_of(const Convolution& op, Target target) {
  const Source source = source_of(op, convolution_layout(target).input_bits == 16);
  return source.copied && !source.widened && !op.transposed ? border_of(source.shape) : std::nullopt;
}

bool writes_rows_apart(const Convolution& op, Target target) {
  // A tile that fits into rows may waste some of what the copy would cost.
  constexpr double kWorth = 1.15;
  const Kernel best = choose_kernel(Family::Convolution, target, op, 0),
               apart = choose_kernel(Family::Convolution, target, op, op.out_w);
  return op.batch == 1 && apart.info->schedule.pixels > 1 &&
         cost_of(op, *apart.info) <= kWorth * cost_of(op, *best.info);
}

void plan(const Convolution& op, const Node& node, PlanBuilder& builder) {
  const Target target = builder.target();
  auto layer = std::make_shared<Layer>();
  layer->op = op;
  layer->layout = convolution_layout(target);
  layer->source = source_of(op, layer->layout.input_bits == 16);
  layer->input = node.inputs[0];
  layer->output = node.outputs[0];
  layer->source.bordered = builder.margins(layer->input) != Pads{};
  if (layer->source.bordered) layer->source.copied = false;
  layer->rows = rows_of(op, builder.margins(layer->output));
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
  std::vector<SumRange> sums;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  fold_bias(*layer, residuals, has_bias ? &builder.tensor(node.inputs[2]) : nullptr, bias, sums);
  const bool fast = fast_rescale_holds(target, {op.out_c, op.rescale, bias, sums, layer->output_zero});

  layer->kernel = choose_kernel(fast ? Family::Convolution : Family::ConvolutionSum, target, op,
                                fast && layer->rows.apart() ? op.out_w : 0);
  if (!fast) layer->requantize = find_kernel(Family::Requantize, target);
  layer->padded_pixels =
      round_up(layer->pixels, layer->kernel.info->schedule.pixels) + layer->kernel.info->schedule.pixels;
  layer->padded_group_channels = round_up(layer->group_channels, layer->block_channels());
  layer->offsets = keep_offsets(builder, op, layer->source, merged, layer->padded_pixels);
  make_panels(builder, *layer, residuals);

  const auto rescale = spread<FixedPoint>(*layer, op.rescale);
  const auto padded_bias = spread<int32_t>(*layer, bias);
  const auto padded_sums = spread<SumRange>(*layer, sums);
  const ChannelRescale channels{layer->table_channels(), rescale, padded_bias, padded_sums, layer->output_zero};
  layer->channel_table = keep_channel_table(builder, channels, layer->table_channels());
  if (!fast) layer->requantize_table = keep_requantize_table(builder, channels, layer->table_channels());

  Step step = builder.step_for(node, std::string(layer->kernel.info->name));
  step.scratch_bytes = layer->copy_bytes() + (fast ? 0 : layer->pixels * op.out_c * 4);
  step.run = [layer, target](const RunContext& context) {
    const std::byte* in = prepare_input(*layer, context);
    std::byte* out = context.data<std::byte>(layer->output);
    std::byte* sums = context.scratch + layer->copy_bytes();
    // The last panel first: what it spills over, the others write later.
    for (auto panel = layer->panels.rbegin(); panel != layer->panels.rend(); ++panel)
      if (layer->requantize.info != nullptr)
        run_panel(*layer, *panel, in, sums, rows_of(layer->op, {}), target, context.pool);
      else
        run_panel(*layer, *panel, in, out, layer->rows, target, context.pool);
    if (layer->requantize.info != nullptr) requantize(*layer, sums, out, target, context.pool);
  };
  builder.add(std::move(step));
}

}  // namespace octet
