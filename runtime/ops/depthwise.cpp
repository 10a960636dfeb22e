// DEPTHWISE_CONV_2D: how the image is laid out for the kernel (generators/depthwise.h), weights packed as it wants
// them, and the choice of a kernel.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <tuple>

#include "runtime/kernels.h"
#include "runtime/ops/channel_parameters.h"
#include "runtime/ops/integer.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/pad_copy.h"
#include "runtime/ops/tensor_values.h"
#include "runtime/ops/weight_parts.h"

namespace octet {

namespace {

/// The image as the kernel reads it: in place, with a border if it has one in memory, or a copy with a border, channels
/// repeated by the depth multiplier, columns sorted by phase. Then the kernel sees a plain depthwise convolution of
/// `channels` channels.
struct Image {
  bool copied = false, bordered = false;
  PadCopy shape{};  // of the copy; where not copied, of the input itself

  int64_t channels() const { return shape.channels * shape.repeat; }
  int64_t row() const { return shape.width * channels(); }
  /// Where column x begins, from the row's start.
  int64_t column(int64_t x) const {
    return (x % shape.phases * (shape.width / shape.phases) + x / shape.phases) * channels();
  }
};

/// Vectors that hang over the channels cost as much as whole ones: pixels are joined where that is more than this.
bool wasteful(int64_t channels, int64_t block) { return round_up(channels, block) * 16 > channels * 17; }

/// Whether to sort columns by phase, so that pixels can be joined at a horizontal stride. AVX-512 stores part of a
/// vector as fast as all of it: there the copy has to save more than a third.
bool sorts_columns(const Depthwise& op, Target target, int64_t block) {
  if (op.stride_w == 1 || op.out_w == 1) return false;
  if (target == Target::Avx512Vnni) return round_up(op.out_c, block) * 2 > int64_t{op.out_c} * 3;
  return wasteful(op.out_c, block);
}

Image image_of(const Depthwise& op, Target target, int64_t block) {
  const int64_t height = int64_t{op.out_h - 1} * op.stride_h + int64_t{op.k_h - 1} * op.dilation_h + 1;
  const int64_t width = int64_t{op.out_w - 1} * op.stride_w + int64_t{op.k_w - 1} * op.dilation_w + 1;
  const int64_t phases = sorts_columns(op, target, block) ? op.stride_w : 1;
  const bool border = op.pads.top > 0 || op.pads.left > 0 || height > op.in_h || width > op.in_w;
  Image image;
  image.copied = border || phases > 1 || op.depth_multiplier > 1;
  image.shape = {
      .batch = op.batch, .in_h = op.in_h, .in_w = op.in_w, .channels = op.in_c, .height = op.in_h, .width = op.in_w};
  if (image.copied) {
    image.shape.top = op.pads.top;
    image.shape.left = op.pads.left;
    image.shape.height = height;
    image.shape.width = round_up(width, phases);
    image.shape.repeat = op.depth_multiplier;
    image.shape.phases = phases;
  }
  return image;
}

/// Neighbouring outputs that pass for one of more channels, so that whole vectors come out.
int64_t joined_pixels(const Depthwise& op, const Image& image, int64_t block) {
  constexpr int64_t kMostChannels = 4096;  // the weights are repeated as often
  const bool adjacent = op.stride_w == image.shape.phases;
  if (!adjacent || !wasteful(op.out_c, block)) return 1;
  const int64_t whole = block / std::gcd(block, int64_t{op.out_c});
  return std::clamp<int64_t>(std::min(whole, kMostChannels / op.out_c), 1, op.out_w);
}

/// The weights' residuals q_w - Z_w as [tap][channel].
struct Residuals {
  int64_t channels;
  std::vector<int16_t> values;

  int32_t at(int64_t tap, int64_t channel) const { return values[static_cast<size_t>(tap * channels + channel)]; }
  int64_t taps() const { return static_cast<int64_t>(values.size()) / channels; }
};

Residuals residuals_of(const Tensor& filter, int64_t channels) {
  Residuals r{channels, std::vector<int16_t>(filter.data.size())};
  for (size_t i = 0; i < r.values.size(); i++) {
    const auto index = static_cast<int64_t>(i);
    r.values[i] = static_cast<int16_t>(stored_value(filter, index) - zero_point_of(filter, index % channels));
  }
  return r;
}

/// Blocks of joined channels that one kernel computes.
struct Section {
  Range channels;
  Kernel kernel;
  int64_t parts;                       // of their weights
  int64_t taps = 0;                    // groups of weights of a channel
  const std::byte* weights = nullptr;  // [panel of channels][group][channel][depth]
};

/// Everything the step needs when it runs.
struct Layer {
  Depthwise op;
  Target target;
  Image image;
  std::vector<Section> sections;  // of kernels of one family and number of rows
  Kernel requantize;              // only where the fast rescale does not hold
  DepthwiseLayout layout;
  int32_t input, output, input_zero, output_zero;
  int64_t joined, padded_channels;         // pixels that pass for one; channels of them, up to whole blocks
  const int32_t* offsets = nullptr;        // DepthwiseAny: of each tap
  const int32_t* channel_table = nullptr;  // of the joined pixels' channels
  const int32_t* requantize_table = nullptr;

  const KernelInfo& kernel() const { return *sections.front().kernel.info; }
  bool any_geometry() const { return kernel().family != Family::Depthwise; }
  int64_t joined_channels() const { return joined * op.out_c; }
  /// Which of them the kernel keeps at a position of its weights and tables.
  int64_t channel_at(int64_t position) const {
    const int64_t in_block = position % layout.block;
    return position - in_block + depthwise_channel(kernel(), in_block);
  }
  int64_t panel_elements(const Section& section) const { return section.taps * layout.panel * layout.depth; }
  int64_t copy_bytes() const { return image.copied ? round_up(image.shape.elements() + kSlackBytes, 64) : 0; }
  int64_t output_bytes() const { return requantize.info != nullptr ? 4 : 1; }
};

/// The kernel for this filter, if there is one; `parts` is what its weights need.
Kernel choose_kernel(const Layer& layer, int64_t parts, bool fast) {
  const Depthwise& op = layer.op;
  if (!fast) return find_kernel(Family::DepthwiseSum, layer.target);
  const bool in_columns = layer.image.shape.phases == 1 && layer.joined == 1 && op.dilation_w == 1 && op.out_w > 1;
  // Best: no part too many, columns shared, few pixels past the row's end, large tiles.
  const auto cost = [&](const Schedule& s) {
    return std::tuple(s.parts, s.pixels == 1, round_up(op.out_w, s.pixels), -s.pixels);
  };
  Kernel best;
  for (const Kernel& kernel : find_kernels(Family::Depthwise, layer.target)) {
    const Schedule& s = kernel.info->schedule;
    const bool fits = s.filter == op.k_h && s.filter == op.k_w && s.stride == op.stride_h && op.dilation_h == 1 &&
                      s.parts >= parts && layer.image.shape.phases <= 2;
    const bool shares = s.pixels > 1;
    if (!fits || (shares && !(in_columns && s.stride == op.stride_w))) continue;
    if (best.info == nullptr || cost(s) < cost(best.info->schedule)) best = kernel;
  }
  return best.info != nullptr ? best : find_kernel(Family::DepthwiseAny, layer.target);
}

/// Sections of as many parts as the weights of each block need; where no kernel splits its weights, one of all.
std::vector<Section> make_sections(const Layer& layer, const Residuals& r, bool fast) {
  const WeightRange range = weight_range(layer.target, layer.layout.weight_bits);
  const int64_t most = range.parts_for(r.values), end = layer.joined_channels();
  const Kernel widest = choose_kernel(layer, most, fast);
  if (widest.info->family != Family::Depthwise) return {{.channels = {0, end}, .kernel = widest, .parts = most}};
  std::vector<Section> sections;
  for (int64_t first = 0; first < end; first += layer.layout.block) {
    const int64_t last = std::min(first + layer.layout.block, end);
    int64_t parts = 1;
    for (int64_t c = first; c < last; c++)
      for (int64_t tap = 0; tap < r.taps(); tap++) parts = std::max(parts, range.parts_for(r.at(tap, c % r.channels)));
    if (!sections.empty() && sections.back().parts == parts)
      sections.back().channels.end = last;
    else
      sections.push_back({.channels = {first, last}, .kernel = choose_kernel(layer, parts, fast), .parts = parts});
  }
  return sections;
}

/// Groups of weights of a channel.
int64_t groups_of(const Layer& layer, const Section& section, const Residuals& r) {
  if (layer.any_geometry()) return ceil_div(r.taps() * section.parts, layer.layout.depth);
  const Schedule& s = section.kernel.info->schedule;
  return int64_t{s.filter} * depthwise_groups(layer.target, s) * s.parts * s.rows;
}

/// What multiplies position `t` of weight group `group` of a channel: a part of one tap's residual, or 0.
int32_t packed_weight(const Layer& layer, const Section& section, const Residuals& r, const WeightRange& range,
                      int64_t group, int64_t t, int64_t channel) {
  if (layer.any_geometry()) {
    const int64_t i = group * layer.layout.depth + t, part = i / r.taps();
    return range.part(r.at(i % r.taps(), channel), part);
  }
  const Schedule& s = section.kernel.info->schedule;
  const int64_t k = s.filter, groups = depthwise_groups(layer.target, s);
  const int64_t kx = group % k, g = group / k % groups, part = group / k / groups % s.parts,
                row = group / k / groups / s.parts;
  const int64_t ky = g * layer.layout.depth + t - row * s.stride;
  return ky < 0 || ky >= k ? 0 : range.part(r.at(ky * k + kx, channel), part);
}

/// `file_bytes`: what these weights take in the model's file.
const std::byte* pack_weights(PlanBuilder& builder, const Layer& layer, const Section& section, const Residuals& r,
                              int64_t file_bytes) {
  const WeightRange range = weight_range(layer.target, layer.layout.weight_bits);
  const int64_t begin = section.channels.begin, end = round_up(section.channels.end, layer.layout.block);
  const int64_t panel = layer.layout.panel, depth = layer.layout.depth;
  const int64_t count = (end - begin) / panel * layer.panel_elements(section);
  const auto pack = [&]<typename T>(T* out) {
    T* next = out;
    for (int64_t first = begin; first < end; first += panel)
      for (int64_t group = 0; group < section.taps; group++)
        for (int64_t position = first; position < first + panel; position++) {
          const int64_t c = layer.channel_at(position);
          for (int64_t t = 0; t < depth; t++, next++)
            if (c < layer.joined_channels())
              *next = static_cast<T>(packed_weight(layer, section, r, range, group, t, c % r.channels));
        }
    return reinterpret_cast<const std::byte*>(out);
  };
  return layer.layout.weight_bits == 16 ? pack(builder.keep_weights<int16_t>(count, file_bytes))
                                        : pack(builder.keep_weights<int8_t>(count, file_bytes));
}

/// Offsets of DepthwiseAny's taps, whole groups of them; what fills up the last one has weight 0.
const int32_t* make_offsets(PlanBuilder& builder, const Layer& layer, int64_t taps) {
  const Depthwise& op = layer.op;
  const int64_t count = layer.sections.front().taps * layer.layout.depth;
  auto* offsets = builder.keep<int32_t>(count);
  for (int64_t i = 0; i < count; i++) {
    const int64_t ky = i % taps / op.k_w, kx = i % taps % op.k_w;
    offsets[i] = static_cast<int32_t>(ky * op.dilation_h * layer.image.row() + layer.image.column(kx * op.dilation_w));
  }
  return offsets;
}

/// Folds the input's zero point into the bias, and bounds the sums.
void fold_bias(const Layer& layer, const Residuals& r, const Tensor* bias, std::vector<int32_t>& folded,
               std::vector<SumRange>& sums) {
  for (int64_t c = 0; c < r.channels; c++) {
    int64_t sum = 0, magnitude = 0;
    for (int64_t tap = 0; tap < r.taps(); tap++) {
      sum += r.at(tap, c);
      magnitude += std::abs(r.at(tap, c));
    }
    int32_t b = 0;
    if (bias != nullptr) std::memcpy(&b, bias->data.data() + c * 4, 4);
    // As the sums themselves, the bias wraps: only the total has to fit.
    folded.push_back(static_cast<int32_t>(b - layer.input_zero * sum));
    sums.push_back({b - magnitude * 255, b + magnitude * 255});
  }
}

/// Values of the channels at the kernel's positions, over and over for joined pixels.
template <typename T>
std::vector<T> in_positions(const Layer& layer, std::span<const T> values) {
  std::vector<T> out(static_cast<size_t>(layer.padded_channels));
  for (size_t i = 0; i < out.size(); i++) {
    const auto c = static_cast<size_t>(layer.channel_at(static_cast<int64_t>(i)));
    if (c < static_cast<size_t>(layer.joined_channels())) out[i] = values[c % values.size()];
  }
  return out;
}

/// Some rows of one image of the batch, some joined channels of a section, `pixels` (joined) outputs a row, from column
/// `first` on. `in`, `out`: the image's first byte.
void call_kernel(const Layer& layer, const Section& section, Range rows, Range channels, int64_t first, int64_t pixels,
                 const std::byte* in, std::byte* out) {
  const Depthwise& op = layer.op;
  const DepthwiseLayout& l = layer.layout;
  const halide_type_t int32(halide_type_int, 32), activation = activation_halide_type(layer.target);
  const int64_t top = rows.begin * op.stride_h;
  const std::byte* from = in + top * layer.image.row() + layer.image.column(first * op.stride_w) + channels.begin;
  std::byte* to = out + ((rows.begin * op.out_w + first) * op.out_c + channels.begin) * layer.output_bytes();
  const int64_t panel = (channels.begin - section.channels.begin) / l.panel;
  const BufferArgument weights(
      section.weights + panel * layer.panel_elements(section) * (l.weight_bits / 8),
      halide_type_t(halide_type_int, static_cast<uint8_t>(l.weight_bits)),
      {{l.depth, 1},
       {l.panel, l.depth},
       {section.taps, l.depth * l.panel},
       {ceil_div(round_up(channels.size(), l.block), l.panel), layer.panel_elements(section)}});
  const BufferArgument table(
      layer.channel_table + channels.begin, int32,
      {{round_up(channels.size(), l.block), 1}, {kChannelFields, layer.padded_channels}, {pixels, 0}});
  const BufferArgument output(
      to, layer.output_bytes() == 4 ? int32 : activation,
      {{channels.size(), 1}, {pixels, layer.joined_channels()}, {rows.size(), op.out_w * op.out_c}});
  const int64_t step = layer.joined * layer.image.column(op.stride_w);
  if (layer.any_geometry()) {
    const BufferArgument input(from, activation, {{INT32_MAX, 1}});
    const BufferArgument offsets(layer.offsets, int32, {{l.depth, 1}, {section.taps, l.depth}});
    const auto groups = static_cast<int32_t>(section.taps), pixel_step = static_cast<int32_t>(step),
               row_step = static_cast<int32_t>(op.stride_h * layer.image.row());
    call(section.kernel.function, input, offsets, weights, table, groups, pixel_step, row_step, layer.output_zero,
         op.clamp.lo, op.clamp.hi, output);
  } else {
    const bool in_columns = section.kernel.info->schedule.pixels > 1;
    const BufferArgument input(from, activation,
                               {{round_up(channels.size(), l.block), 1},
                                {in_columns ? layer.image.shape.width - first * op.stride_w : pixels,
                                 in_columns ? layer.image.channels() : step},
                                {layer.image.shape.height - top, layer.image.row()}});
    const auto odd = static_cast<int32_t>(layer.image.column(op.dilation_w)),
               pair = static_cast<int32_t>(layer.image.column(2 * op.dilation_w));
    call(section.kernel.function, input, pair, odd, weights, table, layer.output_zero, op.clamp.lo, op.clamp.hi,
         output);
  }
}

/// Some rows, some blocks of joined channels. What is left of a row after whole joined pixels is one of fewer channels.
void run_part(const Layer& layer, Range rows, Range channels, const std::byte* in, std::byte* out) {
  const int64_t whole = layer.op.out_w / layer.joined, rest = layer.op.out_w % layer.joined;
  for (const Section& section : layer.sections) {
    const Range part{std::max(channels.begin, section.channels.begin), std::min(channels.end, section.channels.end)};
    if (part.size() > 0 && whole > 0) call_kernel(layer, section, rows, part, 0, whole, in, out);
    const Range left{part.begin, std::min(part.end, rest * layer.op.out_c)};
    if (left.size() > 0) call_kernel(layer, section, rows, left, whole * layer.joined, 1, in, out);
  }
}

void requantize(const Layer& layer, Range rows, const std::byte* sums, std::byte* out) {
  const int64_t channels = layer.op.out_c, first = rows.begin * layer.op.out_w, count = rows.size() * layer.op.out_w;
  const halide_type_t int32(halide_type_int, 32);
  const BufferArgument in(sums + first * channels * 4, int32, {{channels, 1}, {count, channels}});
  const BufferArgument table(layer.requantize_table, int32, {{channels, 1}, {kRequantizeFields, channels}});
  const BufferArgument output(out + first * channels, activation_halide_type(layer.target),
                              {{channels, 1}, {count, channels}});
  call(layer.requantize.function, in, table, layer.output_zero, layer.op.clamp.lo, layer.op.clamp.hi, output);
}

/// One image of the batch. Threads share its rows, or, where these are few, its blocks of channels.
void run_image(const Layer& layer, const std::byte* in, std::byte* sums, std::byte* out, ThreadPool& pool) {
  const int64_t block = layer.layout.block, at_once = layer.kernel().schedule.rows;
  const int64_t bands = ceil_div(layer.op.out_h, at_once), blocks = ceil_div(layer.joined_channels(), block);
  std::byte* to = layer.requantize.info != nullptr ? sums : out;
  if (bands >= pool.threads() || bands >= blocks) {
    pool.parallel_for(bands, 1, [&](int64_t begin, int64_t end) {
      const Range rows{begin * at_once, std::min<int64_t>(end * at_once, layer.op.out_h)};
      run_part(layer, rows, {0, layer.joined_channels()}, in, to);
      if (layer.requantize.info != nullptr) requantize(layer, rows, sums, out);
    });
  } else {
    pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
      run_part(layer, {0, layer.op.out_h}, {begin * block, std::min(end * block, layer.joined_channels())}, in, to);
    });
    if (layer.requantize.info != nullptr) requantize(layer, {0, layer.op.out_h}, sums, out);
  }
}

void run(const Layer& layer, const RunContext& context) {
  const auto* in = context.data<const std::byte>(layer.input);
  auto* out = context.data<std::byte>(layer.output);
  const PadCopy& s = layer.image.shape;
  if (layer.image.copied) {
    pad_copy(s, reinterpret_cast<const uint8_t*>(in), static_cast<uint8_t>(layer.input_zero),
             reinterpret_cast<uint8_t*>(context.scratch), context.pool);
    in = context.scratch;
  }
  if (layer.image.bordered) fill_border(s, static_cast<uint8_t>(layer.input_zero), context.data<uint8_t>(layer.input));
  const int64_t in_image = s.height * layer.image.row(),
                out_image = int64_t{layer.op.out_h} * layer.op.out_w * layer.op.out_c;
  for (int64_t b = 0; b < layer.op.batch; b++)
    run_image(layer, in + b * in_image, context.scratch + layer.copy_bytes(), out + b * out_image, context.pool);
}

}  // namespace

std::optional<Pads> border_of(const Depthwise& op, Target target) {
  const Image image = image_of(op, target, depthwise_layout(target).block);
  return image.copied ? border_of(image.shape) : std::nullopt;
}

void plan(const Depthwise& op, const Node& node, PlanBuilder& builder) {
  auto layer = std::make_shared<Layer>();
  layer->op = op;
  layer->target = builder.target();
  layer->layout = depthwise_layout(layer->target);
  layer->image = image_of(op, layer->target, layer->layout.block);
  layer->input = node.inputs[0];
  layer->output = node.outputs[0];
  layer->image.bordered = builder.margins(layer->input) != Pads{};
  if (layer->image.bordered) layer->image.copied = false;
  layer->input_zero = zero_point_of(builder.tensor(layer->input));
  layer->output_zero = zero_point_of(builder.tensor(layer->output));
  if (layer->image.shape.elements() > INT32_MAX)
    throw ModelError(node.name + ": the padded input has more than 2^31 elements");
  layer->joined = joined_pixels(op, layer->image, layer->layout.block);
  layer->padded_channels = round_up(layer->joined_channels(), layer->layout.block);

  const Residuals residuals = residuals_of(builder.tensor(node.inputs[1]), op.out_c);
  std::vector<int32_t> bias;
  std::vector<SumRange> sums;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  fold_bias(*layer, residuals, has_bias ? &builder.tensor(node.inputs[2]) : nullptr, bias, sums);
  const ChannelRescale rescale{op.out_c, op.rescale, bias, sums, layer->output_zero};
  const bool fast = fast_rescale_holds(layer->target, rescale);

  layer->sections = make_sections(*layer, residuals, fast);
  const auto file_bytes = static_cast<int64_t>(residuals.values.size());
  for (Section& section : layer->sections) {
    section.taps = groups_of(*layer, section, residuals);
    const bool first = &section == &layer->sections.front();
    section.weights = pack_weights(builder, *layer, section, residuals, first ? file_bytes : 0);
  }
  if (layer->any_geometry()) layer->offsets = make_offsets(builder, *layer, residuals.taps());

  const auto table_rescale = in_positions<FixedPoint>(*layer, op.rescale);
  const auto table_bias = in_positions<int32_t>(*layer, bias);
  const auto table_sums = in_positions<SumRange>(*layer, sums);
  layer->channel_table =
      keep_channel_table(builder, {layer->padded_channels, table_rescale, table_bias, table_sums, layer->output_zero},
                         layer->padded_channels);
  if (!fast) {
    layer->requantize = find_kernel(Family::Requantize, layer->target);
    layer->requantize_table = keep_requantize_table(builder, rescale, op.out_c);
  }

  Step step = builder.step_for(node, std::string(layer->kernel().name));
  const int64_t image_outputs = int64_t{op.out_h} * op.out_w * op.out_c;
  step.scratch_bytes = layer->copy_bytes() + (fast ? 0 : image_outputs * 4);
  step.run = [layer](const RunContext& context) { run(*layer, context); };
  builder.add(std::move(step));
}

}  // namespace octet
