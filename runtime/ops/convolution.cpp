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
bool rows_merge(const Convolution& op, int64_t step) {
  if (op.transposed || op.dilation_w != 1 || op.groups != 1 || op.k_w == 1) return false;
  return round_up(int64_t{op.k_w} * op.in_c, step) <= op.k_w * round_up(op.in_c, step);
}

/// Steps of the kernel over all taps.
int64_t steps_of(const Convolution& op, int64_t step) {
  const int64_t in_c = op.in_c / op.groups;
  return rows_merge(op, step) ? op.k_h * ceil_div(op.k_w * in_c, step) : op.k_h * op.k_w * ceil_div(in_c, step);
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
Residuals residuals_of(const Convolution& op, const Tensor& filter) {
  Residuals r;
  r.depth = op.in_c / op.groups;
  r.taps = int64_t{op.k_h} * op.k_w;
  const int64_t per_channel = r.depth * r.taps;
  r.values.resize(static_cast<size_t>(op.out_c * per_channel));
  for (int64_t c = 0; c < op.out_c; c++) {
    const int32_t zero = zero_point_of(filter, c);
    for (int64_t i = c * per_channel; i < (c + 1) * per_channel; i++)
      r.values[static_cast<size_t>(i)] = static_cast<int16_t>(stored_value(filter, i) - zero);
  }
  return r;
}

void merge_rows(const Convolution& op, Residuals& r) {
  r.depth *= op.k_w;
  r.taps = op.k_h;
}

/// A part of the residuals of some consecutive elements of a tap (weight_parts.h).
struct Run {
  int64_t tap, first, steps, part;
};

/// Consecutive channels of one group whose kernel calls are alike.
struct Panel {
  int64_t group, first, channels;  // first: within the group
  std::vector<Run> runs;
  const int32_t* run_table = nullptr;
  const std::byte* weights = nullptr;

  int64_t steps() const {
    int64_t all = 0;
    for (const Run& run : runs) all += run.steps;
    return all;
  }
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
  int64_t pixels, padded_pixels, taps, tap_steps;
  const int32_t* offsets;
  int64_t group_channels, padded_group_channels;
  const int32_t* channel_table;
  const int32_t* requantize_table = nullptr;
  std::vector<Panel> panels;
  Rows rows;  // of the output

  int weight_bits() const { return octet::weight_bits(*kernel.info); }
  int64_t block_channels() const { return int64_t{layout.lanes} * kernel.info->schedule.vectors; }
  int64_t packed_channels() const { return octet::packed_channels(*kernel.info); }
  int64_t step() const { return step_of(*kernel.info); }
  /// Weights of `packed_channels` channels.
  int64_t packed_elements(const Panel& panel) const { return panel.steps() * step() * packed_channels(); }
  int64_t table_channels() const { return padded_group_channels * op.groups; }
  int64_t copy_bytes() const {
    return source.copied ? round_up(source.elements() * source.element_bytes() + kSlackBytes, 64) : 0;
  }
};

/// The runs that some channels need: every tap, then what its weights do not hold.
std::vector<Run> runs_of(const Residuals& r, const WeightRange& range, Range channels, int64_t step) {
  std::vector<Run> runs, excess;
  for (int64_t tap = 0; tap < r.taps; tap++) {
    runs.push_back({tap, 0, ceil_div(r.depth, step), 0});
    for (int64_t k = 0; k < r.depth; k += step) {
      int64_t parts = 1;
      for (int64_t c = channels.begin; c < channels.end; c++)
        parts = std::max(parts, range.parts_for(r.of(c, tap, k, std::min(step, r.depth - k))));
      for (int64_t part = 1; part < parts; part++) excess.push_back({tap, k, 1, part});
    }
  }
  runs.insert(runs.end(), excess.begin(), excess.end());
  return runs;
}

/// Steps of a kernel's inner loop that a block of channels takes, on average. NEON's depend on the weights.
double steps_of(const Convolution& op, const KernelInfo& kernel, const Residuals* residuals) {
  const int64_t step = step_of(kernel);
  const WeightRange range = weight_range(kernel);
  if (residuals == nullptr || !range.sums_count(step)) return static_cast<double>(steps_of(op, step));
  Residuals r = *residuals;
  if (rows_merge(op, step)) merge_rows(op, r);
  const int64_t block = convolution_layout(kernel.target).lanes * kernel.schedule.vectors;
  int64_t steps = 0, blocks = 0;
  for (int64_t first = 0; first < op.out_c; first += block, blocks++)
    for (const Run& run : runs_of(r, range, {first, std::min<int64_t>(first + block, op.out_c)}, step))
      steps += run.steps;
  return static_cast<double>(steps) / static_cast<double>(blocks);
}

/// What a kernel's instructions cost, relative to one that multiplies a vector; as counted in the kernels' assembly.
struct InstructionCosts {
  double multiply;                     // of a pixel and a vector by a group of `depth` channels, and what adds it
  double load_pixel, load_weights;     // of a step; of a vector and group
  double step, run, tile;              // loops
  double rescale, rescale2, rescale4;  // of a vector, where one, two or four are narrowed at once
};

InstructionCosts costs_of(const KernelInfo& kernel) {
  if (adds_pairs(kernel)) {
    // Each vector of channels has a loop of its own, over four sums a channel.
    const double products = step_of(kernel) / 8, vectors = kernel.schedule.vectors;
    return {.multiply = (products + 1) * 8 / products,
            .load_pixel = products / 2 * vectors,
            .load_weights = 2,
            .step = 5 * vectors,
            .run = 30 * vectors,
            .tile = 45 * vectors,
            .rescale = 12,
            .rescale2 = 8.5,
            .rescale4 = 7};
  }
  if (is_arm(kernel.target)) {
    // Of 16 bytes the elements are multiplied as they lie; of fewer, or where they are widened, they are moved first.
    const bool moved = step_of(kernel) <= 8;
    return {.multiply = 1,
            .load_pixel = moved ? 2.0 : 1.0,
            .load_weights = 0.5,
            .step = 4,
            .run = 34,
            .tile = 20,
            .rescale = 12,
            .rescale2 = 8.5,
            .rescale4 = 6.2};
  }
  return {.multiply = 1,
          .load_pixel = 0.5,
          .load_weights = 0.5,
          .step = 0,
          .run = 0,
          .tile = 60,
          .rescale = 10,
          .rescale2 = 8.5,
          .rescale4 = 8};
}

/// Pixels of a call need not be whole tiles of these.
bool takes_any_pixels(const KernelInfo& kernel) { return is_arm(kernel.target); }

/// What a layer costs with a kernel's tile; where rows lie apart, tiles do not cross their ends.
double cost_of(const Convolution& op, const KernelInfo& kernel, bool rows_apart, const Residuals* residuals) {
  const ConvolutionLayout layout = convolution_layout(kernel.target);
  const InstructionCosts costs = costs_of(kernel);
  const int64_t p = kernel.schedule.pixels, v = kernel.schedule.vectors, step = step_of(kernel);
  const int64_t rows = int64_t{op.batch} * op.out_h, channels = op.out_c / op.groups;
  const int64_t pixel_tiles = rows_apart ? rows * ceil_div(op.out_w, p) : ceil_div(rows * op.out_w, p);
  const auto tiles = static_cast<double>(pixel_tiles * ceil_div(channels, v * layout.lanes));
  const double steps = steps_of(op, kernel, residuals), groups = static_cast<double>(step / packed_depth(kernel));
  const double runs = static_cast<double>(rows_merge(op, step) ? op.k_h : op.k_h * op.k_w);
  const auto pd = static_cast<double>(p), vd = static_cast<double>(v);
  const double step_cost =
      groups * vd * (pd * costs.multiply + costs.load_weights) + pd * costs.load_pixel + costs.step;
  const double rescale = v % 4 == 0 ? costs.rescale4 : v % 2 == 0 ? costs.rescale2 : costs.rescale;
  return tiles * (steps * step_cost + runs * costs.run + pd * vd * rescale + costs.tile);
}

/// The cheapest kernel; where rows lie apart, of those whose calls may end with a row. May find none.
Kernel choose_kernel(Family family, Target target, const Convolution& op, bool rows_apart,
                     const Residuals* residuals = nullptr) {
  Kernel best;
  double least = 0;
  for (const Kernel& kernel : find_kernels(family, target)) {
    if (rows_apart && !takes_any_pixels(*kernel.info) && op.out_w % kernel.info->schedule.pixels != 0) continue;
    const double cost = cost_of(op, *kernel.info, rows_apart, residuals);
    if (best.info == nullptr || cost < least) {
      best = kernel;
      least = cost;
    }
  }
  return best;
}

/// Packs a run of some channels (weights(k % depth, channel, k / depth) of generators/convolution.h). `out` is zero at
/// first. Returns the end.
template <typename T>
T* pack_run(const Residuals& r, const WeightRange& range, Range channels, const Run& run, const Layer& layer, T* out) {
  const int64_t depth = packed_depth(*layer.kernel.info), group = layer.packed_channels() * depth, step = layer.step();
  std::vector<int16_t> part;
  for (int64_t c = channels.begin; c < channels.end; c++) {
    T* to = out + (c - channels.begin) * depth;
    for (int64_t i = 0; i < run.steps; i++) {
      const int64_t first = run.first + i * step;
      range.part(r.of(c, run.tap, first, std::min(step, r.depth - first)), run.part, part);
      for (int64_t k = 0; k < std::ssize(part); k++)
        to[(i * step + k) / depth * group + k % depth] = static_cast<T>(part[static_cast<size_t>(k)]);
    }
  }
  return out + run.steps * step * layer.packed_channels();
}

const std::byte* pack_panel(PlanBuilder& builder, const Layer& layer, const Residuals& r, const WeightRange& range,
                            const Panel& panel) {
  const int64_t width = layer.packed_channels();
  const int64_t blocks = round_up(panel.channels, layer.block_channels()) / width;
  const int64_t elements = layer.packed_elements(panel), file_bytes = panel.channels * r.taps * r.depth;
  const int64_t base = panel.group * layer.group_channels + panel.first, end = base + panel.channels;
  const auto pack = [&](auto* weights) {
    for (int64_t b = 0; b < blocks; b++) {
      const int64_t first = std::min(base + b * width, end);
      auto* out = weights + b * elements;
      for (const Run& run : panel.runs)
        out = pack_run(r, range, {first, std::min(first + width, end)}, run, layer, out);
    }
    return reinterpret_cast<const std::byte*>(weights);
  };
  return layer.weight_bits() == 16 ? pack(builder.keep_weights<int16_t>(blocks * elements, file_bytes))
                                   : pack(builder.keep_weights<int8_t>(blocks * elements, file_bytes));
}

const int32_t* keep_run_table(PlanBuilder& builder, const std::vector<Run>& runs) {
  auto* table = builder.keep<int32_t>(std::ssize(runs) * kRunFields);
  int32_t *next = table, step = 0;
  for (const Run& run : runs) {
    next[kRunTap] = static_cast<int32_t>(run.tap);
    next[kRunFirst] = static_cast<int32_t>(run.first);
    next[kRunSteps] = static_cast<int32_t>(run.steps);
    next[kRunStep] = step;
    step += next[kRunSteps];
    next += kRunFields;
  }
  return table;
}

/// Blocks of channels without excess weights go together; the others are panels of their own.
void make_panels(PlanBuilder& builder, Layer& layer, const Residuals& r) {
  const WeightRange range = weight_range(*layer.kernel.info);
  const int64_t block = layer.block_channels();
  for (int64_t g = 0; g < layer.op.groups; g++) {
    bool extends = false;
    for (int64_t first = 0; first < layer.group_channels; first += block) {
      const int64_t count = std::min(block, layer.group_channels - first), base = g * layer.group_channels + first;
      Panel panel{g, first, count, runs_of(r, range, {base, base + count}, layer.step())};
      const bool plain = std::ssize(panel.runs) == r.taps;
      if (extends && plain)
        layer.panels.back().channels += count;
      else
        layer.panels.push_back(std::move(panel));
      extends = plain;
    }
  }
  for (Panel& panel : layer.panels) {
    panel.weights = pack_panel(builder, layer, r, range, panel);
    panel.run_table = keep_run_table(builder, panel.runs);
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
  const int64_t depth = packed_depth(*layer.kernel.info), packed = layer.packed_channels();
  const int64_t elements = layer.packed_elements(panel);
  const int64_t width = std::min(rows.width, pixels.size());
  const int64_t row = panel.group * layer.padded_group_channels + panel.first + channels.begin;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument input(in + panel.group * (layer.op.in_c / layer.op.groups) * layer.source.element_bytes(),
                             input_halide_type(layer, target), {{INT32_MAX, 1}});
  const BufferArgument offsets(layer.offsets + pixels.begin, int32,
                               {{pixels.size(), 1}, {layer.taps, layer.padded_pixels}});
  const BufferArgument runs(panel.run_table, int32, {{kRunFields, 1}, {std::ssize(panel.runs), kRunFields}});
  const BufferArgument weights(panel.weights + channels.begin / packed * elements * (layer.weight_bits() / 8),
                               halide_type_t(halide_type_int, static_cast<uint8_t>(layer.weight_bits())),
                               {{depth, 1},
                                {packed, depth},
                                {layer.step() / depth, depth * packed},
                                {panel.steps(), layer.step() * packed},
                                {channels.size() / packed, elements}});
  const BufferArgument table(layer.channel_table + row, int32,
                             {{channels.size(), 1}, {kChannelFields, layer.table_channels()}, {pixels.size(), 0}});
  const BufferArgument output(out, output_bytes(layer) == 4 ? int32 : activation_halide_type(target),
                              {{channels.size(), 1}, {width, rows.pixel}, {pixels.size() / width, rows.row}});
  const auto steps = static_cast<int32_t>(layer.tap_steps), row_width = static_cast<int32_t>(width);
  call(layer.kernel.function, input, offsets, runs, weights, table, steps, row_width, layer.output_zero,
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
    if (takes_any_pixels(*layer.kernel.info) && !rows.apart()) return std::max(pixels.begin, end);
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
  if (op.batch != 1) return false;
  const Kernel best = choose_kernel(Family::Convolution, target, op, /*rows_apart=*/false),
               apart = choose_kernel(Family::Convolution, target, op, /*rows_apart=*/true);
  // Tiles that do not cross the ends of rows may waste what the copy would cost.
  const double copy = 50.0 * op.out_h + static_cast<double>(int64_t{op.out_h} * op.out_w * op.out_c) / 8;
  return cost_of(op, *apart.info, true, nullptr) <= cost_of(op, *best.info, false, nullptr) + copy;
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
  Residuals residuals = residuals_of(op, builder.tensor(node.inputs[1]));
  layer->pixels = int64_t{op.batch} * op.out_h * op.out_w;
  layer->group_channels = op.out_c / op.groups;

  std::vector<int32_t> bias;
  std::vector<SumRange> sums;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  fold_bias(*layer, residuals, has_bias ? &builder.tensor(node.inputs[2]) : nullptr, bias, sums);
  const bool fast = fast_rescale_holds(target, {op.out_c, op.rescale, bias, sums, layer->output_zero});

  layer->kernel = choose_kernel(fast ? Family::Convolution : Family::ConvolutionSum, target, op,
                                fast && layer->rows.apart(), &residuals);
  const bool merged = rows_merge(op, layer->step());
  if (merged) merge_rows(op, residuals);
  layer->taps = residuals.taps;
  layer->tap_steps = ceil_div(residuals.depth, layer->step());
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
