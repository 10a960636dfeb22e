// DEPTHWISE_CONV_2D: how the image is laid out for the kernel (generators/depthwise.h), weights packed as it wants
// them, and the choice of a kernel.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <tuple>

#include "runtime/kernels.h"
#include "runtime/ops/border.h"
#include "runtime/ops/channel_parameters.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/packed_weights.h"
#include "runtime/ops/tensor_values.h"
#include "runtime/ops/weight_parts.h"
#include "runtime/steps/depthwise.h"
#include "runtime/steps/integer.h"

namespace octet {

namespace {

using Image = DepthwiseImage;

/// Whether there are kernels for this filter and vertical stride.
bool has_kernels(const Depthwise& op) { return op.k_h == op.k_w && (op.k_h == 3 || op.k_h == 5) && op.stride_h <= 2; }

/// Pixels that make whole vectors.
int64_t whole_pixels(const Depthwise& op, int64_t block) { return block / std::gcd(block, int64_t{op.out_c}); }

/// Vectors that hang over the channels cost as much as whole ones: pixels are joined where that is more than joining
/// costs. As timed on AVX-512, that is a quarter for the two that its kernels share columns among, else half of all:
/// they take a copy of the image, with its border.
bool joining_pays(const Depthwise& op, Target target, int64_t block) {
  const int64_t channels = op.out_c, padded = round_up(channels, block);
  if (target != Target::Avx512Vnni || !has_kernels(op)) return padded * 16 > channels * 17;
  const bool dilated = op.dilation_h > 1 || op.dilation_w > 1;
  const bool shares = op.k_h == 3 && op.stride_h == 1 && op.stride_w == 1 && !dilated && whole_pixels(op, block) == 2;
  return shares ? padded * 4 > channels * 5 : padded >= channels * 2;
}

/// Whether to sort columns by phase, so that pixels can be joined at a horizontal stride.
bool sorts_columns(const Depthwise& op, Target target, int64_t block) {
  return op.stride_w > 1 && op.out_w > 1 && joining_pays(op, target, block);
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
int64_t joined_pixels(const Depthwise& op, Target target, const Image& image, int64_t block) {
  constexpr int64_t kMostChannels = 4096;  // the weights are repeated as often
  const bool adjacent = op.stride_w == image.shape.phases;
  if (!adjacent || !joining_pays(op, target, block)) return 1;
  return std::clamp<int64_t>(std::min(whole_pixels(op, block), kMostChannels / op.out_c), 1, op.out_w);
}

/// Into how many phases (DepthwiseStep) rows or columns of outputs fall: as many as the filter's taps are apart; of
/// single ones these would not be worth a call each. On Arm that has not been timed yet.
int64_t phases_of(Target target, int64_t outputs, int64_t dilation) {
  return is_arm(target) || outputs < 2 * dilation ? 1 : dilation;
}

/// Whether there are kernels that do without the image's border: x86's, which read pixel by pixel.
bool can_do_unpadded(const Depthwise& op, Target target, const Image& image) {
  return !is_arm(target) && has_kernels(op) && op.stride_w == op.stride_h && op.depth_multiplier == 1 &&
         phases_of(target, op.out_h, op.dilation_h) == op.dilation_h &&
         phases_of(target, op.out_w, op.dilation_w) == op.dilation_w && image.shape.phases == 1 &&
         joined_pixels(op, target, image, depthwise_layout(target).block) == 1;
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
  int64_t parts;  // of their weights
  bool fits_int16;
  int64_t doubled_row = kAnyRow;  // where kernels double one
  static constexpr int64_t kAnyRow = -1;
  int64_t taps = 0;  // groups of weights of a channel
  KeptPanel kept = {};
  Constant<std::byte> weights = {};
};

/// The step in the making, and what it is made from.
struct Layer : DepthwiseStep {
  Depthwise op;
  Target target;
  std::vector<Kernel> kernels;                       // to choose from
  std::vector<std::optional<FloatRescale>> numbers;  // x86, by channel, if every one has some: Family::Depthwise's
  std::vector<Section> planned;

  const KernelInfo& kernel() const { return *planned.front().kernel.info; }
  /// Which of the joined channels the kernel keeps at a position of its weights and tables.
  int64_t channel_at(int64_t position) const {
    const int64_t in_block = position % layout.block;
    return position - in_block + depthwise_channel(kernel(), in_block);
  }
};

/// Whether what a kernel of shared columns interleaves ahead, on dotprod those of a whole row, is what Halide takes of
/// the stack. More it would allocate in each call, which compiled networks cannot.
bool columns_fit(const Layer& layer, const Schedule& s) {
  constexpr int64_t kStackBytes = 16 << 10;
  if (layer.target != Target::Dotprod && layer.target != Target::I8mm) return true;
  const int64_t width = ceil_div(layer.out_w, layer.column_phases);
  const int64_t columns = (round_up(width, s.pixels) - 1) * s.stride + s.filter;
  return columns * depthwise_groups(layer.target, s) * layer.layout.depth * layer.layout.block < kStackBytes;
}

/// The kernel for this filter, if there is one; `parts` is what its weights need.
Kernel choose_kernel(const Layer& layer, int64_t parts, bool fast) {
  const Depthwise& op = layer.op;
  if (!fast) return find_kernel(Family::DepthwiseSum, layer.target);
  if (!is_arm(layer.target) && layer.numbers.empty()) return find_kernel(Family::DepthwiseAny, layer.target);
  const int64_t width = ceil_div(op.out_w, layer.column_phases);
  const bool in_columns = layer.image.shape.phases == 1 && op.dilation_w == layer.column_phases && width > layer.joined;
  // Best: no part too many, columns shared, no pixels computed in vain, large tiles.
  const auto cost = [&](const Schedule& s) {
    return std::tuple(s.parts, !shares_columns(s), round_up(width, s.pixels), -s.pixels);
  };
  Kernel best;
  for (const Kernel& kernel : layer.kernels) {
    const Schedule& s = kernel.info->schedule;
    const bool fits = s.filter == op.k_h && s.filter == op.k_w && s.stride == op.stride_h && s.parts >= parts &&
                      op.dilation_h == layer.row_phases && layer.image.shape.phases <= 2;
    const bool may_share = in_columns && s.stride == op.stride_w && s.joined == layer.joined && columns_fit(layer, s);
    if (!fits || (shares_columns(s) && !may_share)) continue;
    if (best.info == nullptr || cost(s) < cost(best.info->schedule)) best = kernel;
  }
  return best.info != nullptr ? best : find_kernel(Family::DepthwiseAny, layer.target);
}

/// Parts that weights of some channels need, and which row of theirs has to be doubled for that, if this will do.
struct Need {
  int64_t parts = 1, row = Section::kAnyRow;
};

Need need_of(const Layer& layer, const WeightRange& range, const Residuals& r, Range channels) {
  Need need;
  int64_t rows = 0;  // that need parts
  for (int64_t ky = 0; ky < layer.op.k_h; ky++) {
    int64_t most = 1;
    for (int64_t tap = ky * layer.op.k_w; tap < (ky + 1) * layer.op.k_w; tap++)
      for (int64_t c = channels.begin; c < channels.end; c++)
        most = std::max(most, range.parts_for(r.at(tap, c % r.channels)));
    if (most == 1) continue;
    need = {std::max(need.parts, most), ky};
    rows++;
  }
  if (rows > 1 || need.parts > 2) need.row = Section::kAnyRow;
  return need;
}

/// Sections of as many parts as the weights of each block need; one of all where no kernel splits weights, or some need
/// second parts and a kernel has them panel by panel.
std::vector<Section> make_sections(const Layer& layer, const Residuals& r, const ChannelRescale& rescale, bool fast) {
  const WeightRange range = weight_range(layer.target, layer.layout.weight_bits);
  const int64_t most = range.parts_for(r.values), end = layer.joined_channels();
  const Kernel widest = choose_kernel(layer, most, fast);
  const std::vector<Section> all_by_widest = {
      {.channels = {0, end}, .kernel = widest, .parts = most, .fits_int16 = false}};
  if (widest.info->family != Family::Depthwise) return all_by_widest;
  const bool doubles = doubles_row(layer.target, choose_kernel(layer, 1, fast).info->schedule);
  std::vector<Section> sections;
  for (int64_t first = 0; first < end; first += layer.layout.block) {
    const int64_t last = std::min(first + layer.layout.block, end);
    Need need = need_of(layer, range, r, {first, last});
    if (doubles && need.row != Section::kAnyRow) need.parts = 1;
    bool fits = is_arm(layer.target);
    for (int64_t c = first; fits && c < last; c++)
      fits = results_fit_int16(rescale, {c % r.channels, c % r.channels + 1});
    Section* const before = sections.empty() ? nullptr : &sections.back();
    const bool joins = before != nullptr && before->parts == need.parts && before->fits_int16 == fits &&
                       (!doubles || before->doubled_row == need.row || before->doubled_row == Section::kAnyRow ||
                        need.row == Section::kAnyRow);
    if (!joins) {
      sections.push_back({.channels = {first, last},
                          .kernel = choose_kernel(layer, need.parts, fast),
                          .parts = need.parts,
                          .fits_int16 = fits,
                          .doubled_row = need.row});
      continue;
    }
    before->channels.end = last;
    if (before->doubled_row == Section::kAnyRow) before->doubled_row = need.row;
  }
  const bool whole = std::ranges::all_of(sections, [](const Section& section) { return section.parts == 1; });
  if (!whole && splits_by_panel(layer.target, widest.info->schedule)) return all_by_widest;
  for (Section& section : sections)
    if (section.doubled_row == Section::kAnyRow) section.doubled_row = layer.op.k_h - 1;
  return sections;
}

/// Whether the kernel does without the image's border. It has to lie in the arena, which has fewer than 2^31 bytes.
bool kernel_pads(const Layer& layer, const PlanBuilder& builder) {
  return layer.image.copied && layer.any_geometry == 0 && can_do_unpadded(layer.op, layer.target, layer.image) &&
         builder.tensor(layer.input).data.empty() && builder.options().max_bytes <= int64_t{1} << 31;
}

/// Groups of weights of a channel.
int64_t groups_of(const Layer& layer, const Section& section, const Residuals& r) {
  if (layer.any_geometry != 0) return ceil_div(r.taps() * section.parts, layer.layout.depth);
  return depthwise_taps(layer.target, section.kernel.info->schedule);
}

/// What multiplies position `t` of weight group `group` of a channel: a part of one tap's residual, or 0. `first_part`:
/// of those in the panel.
int32_t packed_weight(const Layer& layer, const Section& section, const Residuals& r, const WeightRange& range,
                      int64_t first_part, int64_t group, int64_t t, int64_t channel) {
  if (layer.any_geometry != 0) {
    const int64_t i = group * layer.layout.depth + t, part = i / r.taps();
    return range.part(r.at(i % r.taps(), channel), part);
  }
  const Schedule& s = section.kernel.info->schedule;
  const int64_t k = s.filter, groups = depthwise_groups(layer.target, s);
  const int64_t parts = parts_in_panel(layer.target, s);
  const int64_t kx = group % k, g = group / k % groups, part = first_part + group / k / groups % parts,
                row = shares_weights(layer.target, s) ? s.rows - 1 : group / k / groups / parts;
  if (doubles_row(layer.target, s)) {
    const int64_t doubled = section.doubled_row, last = k - 1;
    return range.part(r.at((t >= last ? doubled : t == doubled ? last : t) * k + kx, channel), t > last ? 1 : 0);
  }
  const int64_t ky = g * layer.layout.depth + t - row * s.stride;
  return ky < 0 || ky >= k ? 0 : range.part(r.at(ky * k + kx, channel), part);
}

/// What kSecondParts says at the kernel's positions, if it looks. Second parts follow all first ones.
std::vector<int32_t> second_parts(const Layer& layer, const Residuals& r) {
  if (layer.any_geometry != 0 || !splits_by_panel(layer.target, layer.kernel().schedule)) return {};
  const WeightRange range = weight_range(layer.target, layer.layout.weight_bits);
  const int64_t panel = layer.layout.panel;
  std::vector<int32_t> further(static_cast<size_t>(layer.padded_channels));
  int64_t next = layer.padded_channels / panel;
  for (int64_t first = 0; first < layer.padded_channels; first += panel) {
    int64_t most = 1;
    for (int64_t position = first; position < first + panel; position++) {
      const int64_t c = layer.channel_at(position);
      if (c < layer.joined_channels()) most = std::max(most, need_of(layer, range, r, {c, c + 1}).parts);
    }
    if (most > 1) further[static_cast<size_t>(first)] = static_cast<int32_t>(next++ - first / panel);
  }
  return further;
}

/// What is kept as bytes: of two rows of outputs the first one's weights, where the other's are these moved on; and
/// what pairs the last row of an odd filter with 0 without that.
KeptPanel kept_panel(const Layer& layer, const Section& section) {
  const Schedule& s = section.kernel.info->schedule;
  const int64_t all = layer.panel_elements(section.taps), group = s.filter * layer.layout.panel;
  if (layer.any_geometry != 0) return {.whole = all};
  const bool moves = moves_weights(layer.target, s);
  const int64_t of_row = moves ? all / 2 : all;
  const bool leaves_zeros = (moves || s.rows == 1) && s.parts == 1 && s.filter % 2 == 1;
  const int64_t halves = leaves_zeros ? group : 0;
  return {.whole = of_row - 2 * halves, .halves = halves, .moved_group = moves ? group : 0};
}

/// `file_bytes`: what these weights take in the model's file.
Constant<std::byte> pack_weights(PlanBuilder& builder, const Layer& layer, const Section& section, const Residuals& r,
                                 std::span<const int32_t> second, int64_t file_bytes) {
  const WeightRange range = weight_range(layer.target, layer.layout.weight_bits);
  const int64_t panel = layer.layout.panel, depth = layer.layout.depth;
  const int64_t begin = section.channels.begin, end = round_up(section.channels.end, layer.layout.block);
  const int64_t further = std::ranges::count_if(second, [](int32_t distance) { return distance > 0; });
  const bool as_bytes = layer.weight_zero >= 0;
  const int64_t taps = section.kept.moved_group > 0 ? section.taps / 2 : section.taps;
  const int64_t whole = as_bytes ? section.kept.whole / (panel * depth) : taps;  // groups
  const int64_t kept = as_bytes ? section.kept.elements() : layer.panel_elements(taps);
  const int64_t count = ((end - begin) / panel + further) * kept;
  const auto pack = [&]<typename T>(T* next) {
    const auto pack_panel = [&](int64_t first, int64_t first_part) {
      for (int64_t group = 0; group < taps; group++)
        for (int64_t position = first; position < first + panel; position++) {
          const int64_t c = layer.channel_at(position);
          for (int64_t t = 0; t < (group < whole ? depth : 1); t++, next++)
            if (c < layer.joined_channels())
              *next = static_cast<T>(packed_weight(layer, section, r, range, first_part, group, t, c % r.channels));
        }
    };
    for (int64_t first = begin; first < end; first += panel) pack_panel(first, 0);
    for (int64_t first = 0; first < std::ssize(second); first += panel)
      if (second[static_cast<size_t>(first)] > 0) pack_panel(first, 1);
  };
  return keep_packed(builder, count, layer.layout.weight_bits, layer.weight_zero, file_bytes, pack);
}

/// Offsets of DepthwiseAny's taps, whole groups of them; what fills up the last one has weight 0.
Constant<int32_t> make_offsets(PlanBuilder& builder, const Layer& layer, int64_t taps) {
  const Depthwise& op = layer.op;
  const int64_t count = layer.planned.front().taps * layer.layout.depth;
  auto* offsets = builder.keep<int32_t>(count);
  for (int64_t i = 0; i < count; i++) {
    const int64_t ky = i % taps / op.k_w, kx = i % taps % op.k_w;
    offsets[i] = static_cast<int32_t>(ky * op.dilation_h * layer.image.row() + layer.image.column(kx * op.dilation_w));
  }
  return builder.constant(offsets);
}

/// Folds the input's zero point into the bias, and bounds the sums.
void fold_bias(const Layer& layer, const Residuals& r, const Tensor* bias, std::vector<int32_t>& folded,
               std::vector<SumRange>& sums) {
  for (int64_t c = 0; c < r.channels; c++) {
    int64_t positive = 0, negative = 0;
    for (int64_t tap = 0; tap < r.taps(); tap++) (r.at(tap, c) > 0 ? positive : negative) += r.at(tap, c);
    int32_t b = 0;
    if (bias != nullptr) std::memcpy(&b, bias->data.data() + c * 4, 4);
    // As the sums themselves, the bias wraps: only the total has to fit.
    folded.push_back(static_cast<int32_t>(b - layer.input_zero * (positive + negative)));
    sums.push_back(sum_range(layer.target, b, positive, negative, layer.input_zero));
  }
}

/// Values of the channels at the kernel's positions, over and over for joined pixels.
template <typename T>
std::vector<T> in_positions(const Layer& layer, std::span<const T> values) {
  std::vector<T> out(static_cast<size_t>(layer.padded_channels));
  for (size_t i = 0; i < out.size(); i++) {
    const auto c = static_cast<size_t>(layer.channel_at(static_cast<int64_t>(i)));
    if (!values.empty() && c < static_cast<size_t>(layer.joined_channels())) out[i] = values[c % values.size()];
  }
  return out;
}

ConstantArray<DepthwiseSection> keep_sections(PlanBuilder& builder, const Layer& layer) {
  std::map<const KernelInfo*, KernelIndex> kernels;
  std::vector<DepthwiseSection> sections;
  for (const Section& s : layer.planned) {
    const auto [known, is_new] = kernels.try_emplace(s.kernel.info, -1);
    if (is_new) known->second = builder.use(s.kernel);
    sections.push_back({s.channels, known->second, shares_columns(s.kernel.info->schedule),
                        is_arm(layer.target) ? int32_t{s.fits_int16} : static_cast<int32_t>(s.doubled_row), s.taps,
                        s.kernel.info->schedule.sliding ? int64_t{kSlidingPixels} : INT32_MAX, s.kept, s.weights});
  }
  return builder.keep_array<DepthwiseSection>(sections);
}

}  // namespace

std::optional<Pads> border_of(const Depthwise& op, Target target, bool always) {
  const Image image = image_of(op, target, depthwise_layout(target).block);
  const bool wanted = image.copied && (always || !can_do_unpadded(op, target, image));
  return wanted ? border_of(image.shape) : std::nullopt;
}

void plan(const Depthwise& op, const Node& node, PlanBuilder& builder) {
  Layer layer{};
  layer.op = op;
  layer.target = builder.target();
  layer.layout = depthwise_layout(layer.target);
  layer.image = image_of(op, layer.target, layer.layout.block);
  layer.input = node.inputs[0];
  layer.output = node.outputs[0];
  layer.image.bordered = builder.margins(layer.input) != Pads{};
  if (layer.image.bordered) layer.image.copied = false;
  layer.input_zero = zero_point_of(builder.tensor(layer.input));
  layer.output_zero = zero_point_of(builder.tensor(layer.output));
  if (layer.image.shape.elements() > INT32_MAX)
    throw ModelError(node.name + ": the padded input has more than 2^31 elements");
  layer.batch = op.batch;
  layer.out_h = op.out_h;
  layer.out_w = op.out_w;
  layer.out_c = op.out_c;
  layer.stride_h = op.stride_h;
  layer.stride_w = op.stride_w;
  layer.reach_h = int64_t{op.k_h - 1} * op.dilation_h + 1;
  layer.clamp = op.clamp;
  layer.activation = activation_halide_type(layer.target);
  layer.joined = joined_pixels(op, layer.target, layer.image, layer.layout.block);
  layer.padded_channels = round_up(layer.joined_channels(), layer.layout.block);
  layer.row_phases = phases_of(layer.target, op.out_h, op.dilation_h);
  const bool sorts = layer.joined > 1 || layer.image.shape.phases > 1;
  layer.column_phases = sorts ? 1 : phases_of(layer.target, op.out_w, op.dilation_w);

  const Residuals residuals = residuals_of(builder.tensor(node.inputs[1]), op.out_c);
  std::vector<int32_t> bias;
  std::vector<SumRange> sums;
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  fold_bias(layer, residuals, has_bias ? &builder.tensor(node.inputs[2]) : nullptr, bias, sums);
  const ChannelRescale rescale{op.out_c, op.rescale, bias, sums, layer.output_zero, op.clamp};
  const bool fast = fast_rescale_holds(layer.target, rescale);

  if (!is_arm(layer.target)) {
    layer.numbers = float_rescales(layer.target, rescale);
    if (!std::ranges::all_of(layer.numbers, [](const auto& n) { return n.has_value(); })) layer.numbers.clear();
  }
  layer.kernels = builder.kernels(Family::Depthwise);
  layer.planned = make_sections(layer, residuals, rescale, fast);
  layer.any_geometry = layer.kernel().family != Family::Depthwise;
  if (layer.any_geometry != 0) layer.row_phases = layer.column_phases = 1;
  layer.rows_at_once = static_cast<int32_t>(layer.kernel().schedule.rows * layer.row_phases);
  if (kernel_pads(layer, builder)) {
    layer.image.copied = false;
    const int64_t row = int64_t{layer.image.shape.in_w} * layer.image.channels();
    layer.image.padding = builder.filled_tensor(static_cast<uint8_t>(layer.input_zero), row + layer.layout.block);
  }
  layer.pixel_step = layer.joined * layer.image.column(op.stride_w);
  layer.pair_step = static_cast<int32_t>(layer.image.column(int64_t{op.dilation_w} * 2));
  layer.odd_step = static_cast<int32_t>(layer.image.column(op.dilation_w));
  const auto file_bytes = static_cast<int64_t>(residuals.values.size());
  const std::vector<int32_t> second = second_parts(layer, residuals);
  int64_t taps = 0;
  for (Section& section : layer.planned) {
    section.taps = groups_of(layer, section, residuals);
    taps = std::max(taps, section.taps);
  }
  layer.weight_zero =
      widening_zero(layer.target, layer.layout.weight_bits, residuals.values, layer.block_elements(taps));
  for (Section& section : layer.planned) {
    if (layer.weight_zero >= 0) section.kept = kept_panel(layer, section);
    const bool first = &section == &layer.planned.front();
    section.weights = pack_weights(builder, layer, section, residuals, second, first ? file_bytes : 0);
  }
  if (layer.any_geometry != 0) layer.offsets = make_offsets(builder, layer, residuals.taps());

  const auto table_rescale = in_positions<FixedPoint>(layer, op.rescale);
  const auto table_bias = in_positions<int32_t>(layer, bias);
  const auto table_sums = in_positions<SumRange>(layer, sums);
  if (layer.any_geometry != 0) layer.numbers.clear();
  const auto table_numbers = in_positions<std::optional<FloatRescale>>(layer, layer.numbers);
  const ChannelRescale table{layer.padded_channels, table_rescale, table_bias, table_sums, layer.output_zero, op.clamp};
  layer.channel_table =
      builder.constant(keep_channel_table(builder, table, layer.padded_channels, table_numbers, second));
  if (!fast) {
    layer.requantize = builder.use(find_kernel(Family::Requantize, layer.target));
    layer.requantize_table = builder.constant(keep_requantize_table(builder, rescale, op.out_c));
  }

  Step step = builder.step_for(node, std::string(layer.kernel().name));
  const int64_t image_outputs = int64_t{op.out_h} * op.out_w * op.out_c;
  step.scratch_bytes = layer.image_bytes() + (fast ? 0 : image_outputs * 4);
  layer.sections = keep_sections(builder, layer);
  if (layer.image.unpadded()) step.reads.push_back(layer.image.padding);
  step.work = static_cast<const DepthwiseStep&>(layer);
  builder.add(std::move(step));
}

}  // namespace octet
