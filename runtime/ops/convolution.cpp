// CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV: an offset table that turns any geometry into sums over rows of bytes
// (generators/convolution.h), weights packed as the target's kernels want them, and the choice of a register tile.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "runtime/kernels.h"
#include "runtime/ops/affine_sum.h"
#include "runtime/ops/border.h"
#include "runtime/ops/channel_parameters.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/packed_weights.h"
#include "runtime/ops/tensor_values.h"
#include "runtime/ops/weight_parts.h"
#include "runtime/steps/convolution.h"
#include "runtime/steps/integer.h"

namespace octet {

namespace {

/// A view of the weights' residuals q_w - Z_w as [out_c][tap][k], taps and k as the kernel sees them.
struct Residuals {
  int64_t taps, depth;  // taps a pixel, consecutive elements a tap
  std::span<const int16_t> values;

  std::span<const int16_t> of(int64_t channel, int64_t tap, int64_t first, int64_t count) const {
    return values.subspan(static_cast<size_t>((channel * taps + tap) * depth + first), static_cast<size_t>(count));
  }
};

using Source = ConvolutionSource;
using Rows = OutputRows;

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

/// Whether a filter row's pixels lie side by side in the input.
bool rows_are_whole(const Convolution& op) { return !op.transposed && op.dilation_w == 1 && op.groups == 1; }

/// Whether a whole filter row is one tap: its pixels lie side by side in the input.
bool rows_merge(const Convolution& op, int64_t step) {
  if (!rows_are_whole(op) || op.k_w == 1) return false;
  return round_up(int64_t{op.k_w} * op.in_c, step) <= op.k_w * round_up(op.in_c, step);
}

/// The pieces that a pixel's taps of one group make: rows, where these lie side by side.
struct Pieces {
  int64_t count, bytes;
};

Pieces pieces_of(const Convolution& op) {
  if (rows_are_whole(op)) return {op.k_h, int64_t{op.k_w} * op.in_c};
  return {int64_t{op.k_h} * op.k_w, op.in_c / op.groups};
}

/// Whether all taps of some pixels can be packed side by side (steps/packed_pixels.h), and the kernel may gain by it.
/// Kernels of pairs need that; of dotprod's, all taps together take fewer steps than each for itself, and one run.
bool can_pack(const Convolution& op, const KernelInfo& kernel, bool rows_apart) {
  const ConvolutionTile tile = tile_of(kernel);
  const Pieces pieces = pieces_of(op);
  const int64_t bytes = pieces.count * pieces.bytes;
  if (packed_pixels(packed_pixel_bytes(pieces.count, pieces.bytes, tile), tile) < (rows_apart ? op.out_w : tile.pixels))
    return false;
  if (tile.pairs) return !op.transposed && op.groups == 1 && (pieces.bytes % 8 == 0 || bytes <= kMostGatheredBytes);
  return kernel.target == Target::Dotprod && pieces.bytes <= kShortPiece;
}

/// Whether each pixel of the output is made of the one pixel at its place.
bool is_pointwise(const Convolution& op) {
  return !op.transposed && op.k_h == 1 && op.k_w == 1 && op.stride_h == 1 && op.stride_w == 1;
}

/// Whether pixels that follow each other lie side by side, in the input or packed, and have no more channels than the
/// kernel takes at once (Schedule::joined).
bool pixels_join(const Convolution& op, const KernelInfo& kernel, bool rows_apart, bool packed) {
  if (rows_apart && op.out_w % kernel.schedule.joined != 0) return false;
  if (packed) return packed_pixel_bytes(pieces_of(op).count, pieces_of(op).bytes, tile_of(kernel)) == step_of(kernel);
  return is_pointwise(op) && op.groups == 1 && op.in_c == step_of(kernel) && !source_of(op, /*widened=*/false).copied;
}

/// Steps of the kernel over all taps.
int64_t steps_of(const Convolution& op, const ConvolutionTile& tile, bool packed) {
  const int64_t in_c = op.in_c / op.groups, step = tile.step;
  if (packed) return ceil_div(op.k_h * op.k_w * in_c, step);
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
std::vector<int16_t> residual_values(const Convolution& op, const Tensor& filter) {
  const int64_t per_channel = int64_t{op.k_h} * op.k_w * (op.in_c / op.groups);
  std::vector<int16_t> values(static_cast<size_t>(op.out_c * per_channel));
  for (int64_t c = 0; c < op.out_c; c++) {
    const int32_t zero = zero_point_of(filter, c);
    for (int64_t i = c * per_channel; i < (c + 1) * per_channel; i++)
      values[static_cast<size_t>(i)] = static_cast<int16_t>(stored_value(filter, i) - zero);
  }
  return values;
}

void merge_rows(const Convolution& op, Residuals& r) {
  r.depth *= op.k_w;
  r.taps = op.k_h;
}

void merge_taps(Residuals& r) {
  r.depth *= r.taps;
  r.taps = 1;
}

/// Where each pixel or pair begins that is packed at a time, the latter in words of eight bytes. A call may begin
/// within a tile, and so read on for one: these repeat the last.
const int32_t* keep_packed_offsets(PlanBuilder& builder, int64_t pixel_bytes, const ConvolutionTile& tile) {
  const int64_t together = tile.pairs ? 2 : 1, distance = tile.pairs ? pixel_bytes / 8 * 2 : pixel_bytes;
  const int64_t count = packed_pixels(pixel_bytes, tile) / together, padded = count + tile.pixels / together;
  std::string key = "packed";
  for (const int64_t v : {count, padded, distance}) key.append(" ").append(std::to_string(v));
  return builder.keep_table(key, padded, [&](int32_t* table) {
    for (int64_t p = 0; p < padded; p++) table[p] = static_cast<int32_t>(std::min(p, count - 1) * distance);
  });
}

/// A part of the residuals of some consecutive elements of a tap (weight_parts.h).
struct Run {
  int64_t tap, first, steps, part;
  int64_t vector = 0;  // that it is for: ConvolutionTile::excess_vectors

  auto operator<=>(const Run&) const = default;
};

/// Consecutive channels of one group whose kernel calls are alike.
struct Panel : ConvolutionPanel {
  std::vector<Run> planned_runs;
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

/// The step in the making, and what it is made from.
struct Layer : ConvolutionStep {
  Convolution op;
  std::vector<Panel> planned;
};

/// The vector of output channels that a run of excess of a block is for.
Range excess_channels(Range block, int64_t vector, const ConvolutionTile& tile) {
  const int64_t count = tile.channels / tile.excess_vectors, begin = std::min(block.begin + vector * count, block.end);
  return {begin, std::min(begin + count, block.end)};
}

/// The runs of what the weights of some channels leave over.
std::vector<Run> excess_of(const Residuals& r, const WeightRange& range, Range channels, const ConvolutionTile& tile) {
  std::vector<Run> runs;
  for (int64_t tap = 0; tap < r.taps; tap++)
    for (int64_t k = 0; k < r.depth; k += tile.excess_step) {
      int64_t parts = 1;
      for (int64_t c = channels.begin; c < channels.end; c++)
        parts = std::max(parts, range.parts_for(r.of(c, tap, k, std::min(tile.excess_step, r.depth - k))));
      for (int64_t part = 1; part < parts; part++) runs.push_back({tap, k, 1, part});
    }
  return runs;
}

/// The runs that a block of channels needs: every tap, then what its weights do not hold.
std::vector<Run> runs_of(const Residuals& r, const WeightRange& range, Range channels, const ConvolutionTile& tile) {
  constexpr int64_t kNoPart = 255;
  std::vector<Run> runs;
  const int64_t step = tile.step, most = tile.excess_apart ? INT32_MAX : kMostRunSteps;
  for (int64_t tap = 0; tap < r.taps; tap++)
    for (int64_t first = 0; first < r.depth; first += most * step)
      runs.push_back({tap, first, std::min<int64_t>(most, ceil_div(r.depth - first, step)), 0});
  std::vector<std::vector<Run>> excess;
  size_t turns = 0;
  for (int64_t vector = 0; vector < tile.excess_vectors; vector++) {
    excess.push_back(excess_of(r, range, excess_channels(channels, vector, tile), tile));
    turns = std::max(turns, excess.back().size());
  }
  for (size_t turn = 0; turn < turns; turn++)
    for (int64_t vector = 0; vector < tile.excess_vectors; vector++) {
      const std::vector<Run>& of_vector = excess[static_cast<size_t>(vector)];
      Run run = turn < of_vector.size() ? of_vector[turn] : Run{.tap = 0, .first = 0, .steps = 1, .part = kNoPart};
      run.vector = vector;
      runs.push_back(run);
    }
  return runs;
}

/// Where residuals lie that 8 bits may not hold.
std::vector<int64_t> wide_residuals(const Residuals& r) {
  std::vector<int64_t> wide;
  for (size_t i = 0; i < r.values.size(); i++)
    if (std::abs(r.values[i]) > 127) wide.push_back(static_cast<int64_t>(i));
  return wide;
}

/// The runs of excess that all blocks of channels need for them; those of a block's vectors count as one.
int64_t excess_runs(const Residuals& r, std::span<const int64_t> wide, const WeightRange& range,
                    const ConvolutionTile& tile) {
  const int64_t vector = tile.channels / tile.excess_vectors;
  std::map<std::tuple<int64_t, int64_t, int64_t>, int64_t> parts;  // vector, tap, step of the tap
  for (const int64_t i : wide) {
    const int64_t k = i % (r.taps * r.depth);
    int64_t& most = parts[{i / (r.taps * r.depth) / vector, k / r.depth, k % r.depth / tile.excess_step}];
    most = std::max(most, range.parts_for(r.values[static_cast<size_t>(i)]) - 1);
  }
  std::map<int64_t, int64_t> of_vectors, of_blocks;
  for (const auto& [where, more] : parts) of_vectors[std::get<0>(where)] += more;
  for (const auto& [index, more] : of_vectors) {
    int64_t& most = of_blocks[index / tile.excess_vectors];
    most = std::max(most, more);
  }
  int64_t runs = 0;
  for (const auto& [index, more] : of_blocks) runs += more;
  return runs;
}

/// What a block of channels takes of a kernel, on average.
struct Turns {
  double steps, runs;
  double excess = 0;  // runs that are no steps
};

/// Where sums count it depends on the weights: those of some blocks stand for all.
Turns turns_of(const Convolution& op, const KernelInfo& kernel, bool packed, const Residuals* residuals,
               std::span<const int64_t> wide) {
  const ConvolutionTile tile = tile_of(kernel);
  const WeightRange range = weight_range(kernel);
  const int plain_runs = packed ? 1 : rows_merge(op, tile.step) ? op.k_h : op.k_h * op.k_w;
  Turns plain{static_cast<double>(steps_of(op, tile, packed)), static_cast<double>(plain_runs)};
  if (residuals == nullptr) return plain;
  Residuals r = *residuals;
  if (packed)
    merge_taps(r);
  else if (rows_merge(op, tile.step))
    merge_rows(op, r);
  if (!range.sums_count(tile.step)) {
    const double excess =
        static_cast<double>(excess_runs(r, wide, range, tile)) / static_cast<double>(ceil_div(op.out_c, tile.channels));
    if (tile.excess_apart) return {plain.steps, plain.runs, excess};
    return {plain.steps + excess, plain.runs + excess};
  }
  Turns turns{0, 0};
  constexpr int64_t kSamples = 4;
  const int64_t all = ceil_div(op.out_c, tile.channels), blocks = std::min(all, kSamples);
  for (int64_t i = 0; i < blocks; i++) {
    const int64_t first = i * all / blocks * tile.channels;
    const auto runs = runs_of(r, range, {first, std::min<int64_t>(first + tile.channels, op.out_c)}, tile);
    for (const Run& run : runs) turns.steps += static_cast<double>(run.steps);
    turns.runs += static_cast<double>(runs.size());
  }
  return {turns.steps / static_cast<double>(blocks), turns.runs / static_cast<double>(blocks)};
}

/// What a kernel's instructions cost, relative to one that multiplies a vector; as counted in the kernels' assembly.
struct InstructionCosts {
  double multiply;                     // of a pixel and a vector by a group of `depth` channels, and what adds it
  double load_pixel, load_weights;     // of a step; of a vector and group
  double step, run, tile;              // loops
  double rescale, rescale2, rescale4;  // of a vector, where one, two or four are narrowed at once
  double cut = 0;                      // of a call for part of a tile, by way of a buffer
};

/// `in_rows`: whether a tile's pixels follow each other in memory at equal distances, and the kernel knows.
InstructionCosts costs_of(const KernelInfo& kernel, bool in_rows) {
  if (adds_pairs(kernel)) {
    // Each vector of channels has a loop of its own, over four sums a channel.
    const double products = step_of(kernel) / 8, vectors = kernel.schedule.vectors;
    return {.multiply = (products + 1) * 8 / products,
            .load_pixel = products / 2 * vectors,
            .load_weights = 2,
            .step = 5 * vectors,
            .run = 30 * vectors,
            .tile = 45 * vectors,
            .rescale = 11.5,
            .rescale2 = 8,
            .rescale4 = 6.5};
  }
  if (takes_pixel_pairs(kernel)) {
    // So many pixels' addresses are added up in each step.
    const double addresses = kernel.schedule.pixels > 8 ? 0.9 : 0;
    return {.multiply = 1,
            .load_pixel = step_of(kernel) / 8 * 0.3 + addresses,
            .load_weights = 1,
            .step = 3,
            .run = 34,
            .tile = 60,
            .rescale = 11.5,
            .rescale2 = 6.2,
            .rescale4 = 5.3};
  }
  if (is_arm(kernel.target)) {
    // NEON widens what it multiplies, and has two vectors' weights in a register.
    const bool widened = packed_depth(kernel) == 1;
    return {.multiply = 1,
            .load_pixel = widened ? 2 : std::ceil(step_of(kernel) / 16.0) / kernel.schedule.joined,
            .load_weights = widened || !kernel.schedule.in_order ? 0.5 : 1,
            .step = 3,
            .run = 20,
            .tile = 30,
            .rescale = 11.5,
            .rescale2 = 8,
            .rescale4 = 5.7};
  }
  if (adds_bytes(kernel)) {
    // As timed beside the kernels below, which take half as many channels at once.
    const double groups = step_of(kernel) / 4.0;
    return {.multiply = 1.35 + 0.65 / groups,
            .load_pixel = 0.7 * groups,
            .load_weights = 0.6,
            .step = 0,
            .run = 20,
            .tile = 60,
            .rescale = 10,
            .rescale2 = 8.5,
            .rescale4 = 8};
  }
  if (kernel.target == Target::Avx512Vnni) {
    // As timed. A vector is loaded a cycle, addresses beyond ten included, which are in memory themselves. Sums of
    // which there are fewer than ten wait for each other. The end of a tile hides behind the next one's
    // multiplications, the better the fewer sums it has.
    const int pixels = kernel.schedule.pixels, vectors = kernel.schedule.vectors;
    const double sums = pixels * vectors, loads = pixels + vectors + (in_rows ? 0 : std::max(0, pixels - 10));
    const double apart = 2 + 0.035 * sums + (sums < 27 ? 0 : 0.3) + (rescales_in_float(kernel) ? 0 : 4);
    const double rescale = kernel.schedule.overlapping == 0 ? apart : vectors < 4 ? 0.9 : 1.6;
    return {.multiply = std::max({1.0, 10 / sums, loads / sums}),
            .load_pixel = 0.03,
            .load_weights = 0.03,
            .step = 0,
            .run = 2 + (in_rows ? 0 : 0.8 * pixels),
            .tile = 2,
            .rescale = rescale + 0.5,
            .rescale2 = rescale + 0.2,
            .rescale4 = rescale,
            .cut = 150};
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

/// What it costs to add a tensor to a vector of results: in the kernel, or by ADD, which takes them from memory.
struct AdditionCosts {
  double fused, alone;
};

AdditionCosts addition_costs(Target target) {
  return is_arm(target) ? AdditionCosts{.fused = 8.5, .alone = 9} : AdditionCosts{.fused = 11, .alone = 16};
}

/// Whether no tile of pixels is cut, nor reads from two rows of the image that do not follow each other.
bool tiles_lie_in_rows(const Convolution& op, const ConvolutionTile& tile) {
  return !op.transposed && (is_pointwise(op) ? int64_t{op.batch} * op.out_h * op.out_w : op.out_w) % tile.pixels == 0;
}

/// What it costs to pack a pixel (steps/packed_pixels.h): each piece, and its bytes. Cores that are not in-order
/// multiply twice as fast, and copy no faster.
double packing_cost(const Convolution& op, const KernelInfo& kernel) {
  const Pieces pieces = pieces_of(op);
  const auto count = static_cast<double>(pieces.count), bytes = static_cast<double>(pieces.bytes);
  if (takes_pixel_pairs(kernel)) return 16 * count - 6 + 0.12 * count * bytes;
  const bool word = pieces.bytes <= 8, vector = pieces.bytes <= 16;
  if (kernel.schedule.in_order) return 2 + count * (vector ? 2.5 : 7);
  return 1 + count * (word ? 7 : vector ? 9 : 12);
}

/// What a layer costs with a kernel's tile; where rows lie apart, tiles do not cross their ends.
double cost_of(const Convolution& op, const Kernel& candidate, bool packed, bool rows_apart, const Residuals* residuals,
               std::span<const int64_t> wide) {
  const KernelInfo& kernel = *candidate.info;
  const ConvolutionTile tile = tile_of(kernel);
  // One without a function will be compiled for this layer alone (PlanOptions::compiles_kernels).
  const InstructionCosts costs = costs_of(kernel, candidate.function == nullptr && tiles_lie_in_rows(op, tile));
  const int64_t p = tile.pixels, v = kernel.schedule.vectors, step = tile.step;
  const int64_t rows = int64_t{op.batch} * op.out_h, channels = op.out_c / op.groups;
  const int64_t pixel_tiles = rows_apart ? rows * ceil_div(op.out_w, p) : ceil_div(rows * op.out_w, p);
  const auto tiles = static_cast<double>(pixel_tiles * ceil_div(channels, tile.channels));
  const Turns turns = turns_of(op, kernel, packed, residuals, wide);
  const auto groups = static_cast<double>(step / tile.depth);
  const double packing = packed ? packing_cost(op, kernel) : 0;
  const auto pd = static_cast<double>(p), vd = static_cast<double>(v);
  const double step_cost =
      groups * vd * (pd * costs.multiply + costs.load_weights) + pd * costs.load_pixel + costs.step;
  const double add = kernel.family == Family::ConvolutionAdd ? addition_costs(kernel.target).fused : 0;
  const double rescale = add + (v % 4 == 0 ? costs.rescale4 : v % 2 == 0 ? costs.rescale2 : costs.rescale);
  const bool cut = !tile.any_pixels && !rows_apart && rows * op.out_w % p != 0;
  const double cuts = cut ? costs.cut * static_cast<double>(ceil_div(channels, tile.channels)) : 0;
  const auto widening = tile.widened ? static_cast<double>(int64_t{op.batch} * op.in_h * op.in_w * op.in_c) / 8 : 0.0;
  // Tiles that overlap end so soon that lines count, which more and narrower blocks of channels bring to the
  // first-level cache; and code, of which they have more, and more for each kind of panel, and which comes from memory
  // at first where it is one layer's alone.
  const int64_t bytes = int64_t{op.batch} * op.in_h * op.in_w * op.in_c;
  const int64_t more_blocks = ceil_div(channels, tile.channels) - ceil_div(channels, tile.channels / v * 4);
  const double lines = bytes > 32 << 10 ? static_cast<double>(bytes / 64 * more_blocks) : 0;
  const double code = candidate.function == nullptr ? 2500 * (1 + turns.runs) : 0;
  const double overlap = kernel.schedule.overlapping > 0 ? 0.7 * lines + code : 0;
  const double excess_cost = vd * (pd * costs.multiply + costs.load_weights) + pd + 24;
  return widening + cuts + overlap +
         tiles * (turns.steps * step_cost + turns.excess * excess_cost + turns.runs * costs.run + pd * vd * rescale +
                  costs.tile) +
         static_cast<double>(rows * op.out_w) * packing;
}

/// The kernel of the same tile that rescales the other way, if there is one.
Kernel twin_of(const Kernel& kernel, std::span<const Kernel> kernels) {
  Schedule other = kernel.info->schedule;
  other.fixed_point = !other.fixed_point;
  other.overlapping = 0;
  const auto found = std::ranges::find_if(kernels, [&](const Kernel& k) { return k.info->schedule == other; });
  return found != kernels.end() ? *found : Kernel{};
}

/// A kernel, if one was found, and what the layer costs with it.
struct Choice {
  Kernel kernel;
  bool packed = false;  // whether it takes pixels with all taps side by side
  double cost = 0;

  bool found() const { return kernel.info != nullptr; }
};

/// Whether a kernel that overlaps tiles has what it needs for that: all channels of a tap in one run; few runs where it
/// knows them, else a first one that is long enough; and short tiles where sums spill, for which adding another tensor
/// makes up longer.
bool may_overlap(const Convolution& op, const Kernel& kernel, bool packed) {
  const ConvolutionTile tile = tile_of(*kernel.info);
  const bool whole_taps = op.k_h * op.k_w == 1 || rows_merge(op, tile.step);
  if (op.transposed || packed || op.groups > 1 || !whole_taps) return false;
  const int64_t steps = steps_of(op, tile, packed);
  const bool knows_runs = kernel.function == nullptr;
  return (knows_runs ? op.k_h <= 3 : steps / op.k_h >= kernel.info->schedule.overlapping) &&
         (kernel.info->schedule.vectors < 4 || steps <= (op.addition ? 64 : 48));
}

/// The cheapest kernel; where rows lie apart, of those whose calls may end with a row. May find none.
Choice choose_kernel(std::span<const Kernel> kernels, const Convolution& op, bool rows_apart,
                     const Residuals* residuals = nullptr) {
  const std::vector<int64_t> wide = residuals != nullptr ? wide_residuals(*residuals) : std::vector<int64_t>{};
  Choice best;
  for (const Kernel& kernel : kernels) {
    const ConvolutionTile tile = tile_of(*kernel.info);
    if (kernel.info->schedule.fixed_point && twin_of(kernel, kernels).info != nullptr)
      continue;  // the twin stands for both
    if (rows_apart && !tile.any_pixels && op.out_w % tile.pixels != 0) continue;
    for (const bool packed : {false, true}) {
      if (packed ? !can_pack(op, *kernel.info, rows_apart) : tile.pairs) continue;
      if (kernel.info->schedule.overlapping > 0 && !may_overlap(op, kernel, packed)) continue;
      if (kernel.info->schedule.joined > 1 && !pixels_join(op, *kernel.info, rows_apart, packed)) continue;
      const double cost = cost_of(op, kernel, packed, rows_apart, residuals, wide);
      if (!best.found() || cost < best.cost) best = {kernel, packed, cost};
    }
  }
  return best;
}

/// Packs a run of some channels (weights(k % depth, channel, k / depth) of generators/convolution.h). `out` is zero at
/// first. Returns the end.
template <typename T>
T* pack_run(const Residuals& r, const WeightRange& range, Range channels, const Run& run, const Layer& layer, T* out) {
  const int64_t depth = layer.tile.depth, group = layer.tile.packed_channels * depth, step = layer.tile.step;
  std::vector<int16_t> part;
  for (int64_t c = channels.begin; c < channels.end; c++) {
    T* to = out + (c - channels.begin) * depth;
    for (int64_t i = 0; i < run.steps; i++) {
      const int64_t first = run.first + i * step;
      const int64_t count = run.part == 0 ? step : layer.tile.excess_step;
      range.part(r.of(c, run.tap, first, std::min(count, r.depth - first)), run.part, part);
      for (int64_t k = 0; k < std::ssize(part); k++)
        to[(i * step + k) / depth * group + k % depth] = static_cast<T>(part[static_cast<size_t>(k)]);
    }
  }
  return out + (run.part == 0 ? layer.packed_elements(run.steps)
                              : layer.tile.excess_step * layer.tile.packed_channels / layer.tile.excess_vectors);
}

Constant<std::byte> pack_panel(PlanBuilder& builder, const Layer& layer, const Residuals& r, const WeightRange& range,
                               const Panel& panel) {
  const int64_t width = layer.tile.packed_channels;
  const int64_t blocks = round_up(panel.channels, layer.tile.channels) / width;
  const int64_t elements = layer.packed_elements(panel.steps), file_bytes = panel.channels * r.taps * r.depth;
  const int64_t base = panel.group * layer.group_channels + panel.first, end = base + panel.channels;
  const auto pack = [&](auto* weights) {
    for (int64_t b = 0; b < blocks; b++) {
      const int64_t first = std::min(base + b * width, end);
      auto* out = weights + b * elements;
      const Range block{first, std::min(first + width, end)};
      for (const Run& run : panel.planned_runs) {
        const bool by_vector = run.part > 0 && layer.tile.excess_vectors > 1;
        const Range channels = by_vector ? excess_channels(block, run.vector, layer.tile) : block;
        out = pack_run(r, range, channels, run, layer, out);
      }
    }
  };
  return keep_packed(builder, blocks * elements, layer.tile.weight_bits, layer.weight_zero, file_bytes, pack);
}

Constant<int32_t> keep_run_table(PlanBuilder& builder, const std::vector<Run>& runs, const Layer& layer) {
  auto* table = builder.keep<int32_t>(std::ssize(runs) * kRunFields);
  int32_t *next = table, step = 0;
  for (const Run& run : runs) {
    next[kRunOffsets] = static_cast<int32_t>(run.tap * layer.padded_pixels);
    // In words of both pixels of a pair.
    next[kRunFirst] = static_cast<int32_t>(layer.tile.pairs ? run.first / 8 * 2 : run.first);
    next[kRunSteps] = static_cast<int32_t>(run.steps);
    next[kRunStep] = step;
    step += next[kRunSteps];
    next += kRunFields;
  }
  return builder.constant(table);
}

/// What panels are computed with: in floating point where all of their channels allow it.
struct KernelForms {
  Kernel in_float, other;                                  // in_float: may be none
  std::span<const std::optional<FloatRescale>> numbers{};  // by channel; empty where there is no such kernel

  const Kernel& of(Range channels) const {
    const auto allows = [](const auto& n) { return n.has_value(); };
    const bool all =
        in_float.info != nullptr &&
        std::ranges::all_of(numbers.subspan(static_cast<size_t>(channels.begin), static_cast<size_t>(channels.size())),
                            allows);
    return all ? in_float : other;
  }
};

/// Blocks of channels that one kernel computes without excess weights go together; the others are panels of their own.
void make_panels(PlanBuilder& builder, Layer& layer, const Residuals& r, const WeightRange& range,
                 const ChannelRescale& rescale, const KernelForms& forms) {
  const int64_t block = layer.tile.channels;
  std::map<std::pair<const KernelInfo*, std::vector<Run>>, KernelIndex> used;
  const auto use = [&](const Kernel& kernel, const std::vector<Run>& runs) {
    // One that is compiled for this layer alone knows its runs if they are the same for all of its panels.
    const bool wants_runs = kernel.info->schedule.overlapping > 0;
    const auto [known, is_new] = used.try_emplace({kernel.info, wants_runs ? runs : std::vector<Run>{}}, -1);
    if (is_new) known->second = builder.use(kernel);
    return known->second;
  };
  for (int64_t g = 0; g < layer.op.groups; g++) {
    bool extends = false;
    for (int64_t first = 0; first < layer.group_channels; first += block) {
      const int64_t count = std::min(block, layer.group_channels - first), base = g * layer.group_channels + first;
      std::vector<Run> runs = runs_of(r, range, {base, base + count}, layer.tile);
      Panel panel{{.kernel = use(forms.of({base, base + count}), runs), .group = g, .first = first, .channels = count},
                  std::move(runs)};
      if (is_arm(builder.target())) panel.fits_int16 = results_fit_int16(rescale, {base, base + count});
      const bool plain = std::ranges::all_of(panel.planned_runs, [](const Run& run) { return run.part == 0; });
      const bool alike = extends && plain && layer.planned.back().kernel == panel.kernel &&
                         layer.planned.back().fits_int16 == panel.fits_int16;
      if (alike)
        layer.planned.back().channels += count;
      else
        layer.planned.push_back(std::move(panel));
      extends = plain;
    }
  }
  int64_t steps = 0;
  for (Panel& panel : layer.planned) {
    panel.runs = std::ssize(panel.planned_runs);
    int64_t excess = 0;
    for (const Run& run : panel.planned_runs) (run.part == 0 ? panel.steps : excess) += run.steps;
    panel.steps += ceil_div(excess / layer.tile.excess_vectors * layer.tile.excess_step, layer.tile.step);
    if (layer.tile.excess_apart) panel.excess = static_cast<int32_t>(excess);
    steps = std::max(steps, panel.steps);
  }
  layer.weight_zero = widening_zero(builder.target(), layer.tile.weight_bits, r.values, layer.block_elements(steps));
  for (Panel& panel : layer.planned) {
    panel.weights = pack_panel(builder, layer, r, range, panel);
    panel.run_table = keep_run_table(builder, panel.planned_runs, layer);
  }
}

/// Of a channel's weights.
struct WeightSums {
  int64_t positive = 0, negative = 0;
};

/// What a layer multiplies and adds, and bounds of what comes of it.
struct Operands {
  std::vector<int16_t> values;  // that the residuals view
  Residuals residuals;
  std::vector<WeightSums> weights;  // by channel
  std::vector<int32_t> bias;
  std::vector<SumRange> sums;
  bool fast;  // whether the kernels' rescale is exact
};

std::vector<WeightSums> sums_of(const Residuals& r, int64_t channels) {
  std::vector<WeightSums> sums(static_cast<size_t>(channels));
  const int64_t per_channel = r.taps * r.depth;
  for (int64_t i = 0; i < channels * per_channel; i++) {
    const int64_t weight = r.values[static_cast<size_t>(i)];
    WeightSums& s = sums[static_cast<size_t>(i / per_channel)];
    (weight > 0 ? s.positive : s.negative) += weight;
  }
  return sums;
}

/// One a channel, 0 where there are none.
std::vector<int32_t> biases_of(const Tensor* bias, int64_t channels) {
  std::vector<int32_t> biases(static_cast<size_t>(channels));
  if (bias != nullptr) std::memcpy(biases.data(), bias->data.data(), biases.size() * sizeof(int32_t));
  return biases;
}

/// The zero point of a convolution's results, before anything is added to them.
int32_t result_zero(const Convolution& op, const Tensor& output) {
  return op.addition ? op.addition->result_zero : zero_point_of(output);
}

Operands operands_of(const Convolution& op, const Node& node, const Graph& graph, Target target) {
  const auto tensor = [&](int32_t index) -> const Tensor& { return graph.tensors.at(static_cast<size_t>(index)); };
  Operands o{.values = residual_values(op, tensor(node.inputs[1])),
             .residuals = {},
             .weights = {},
             .bias = {},
             .sums = {},
             .fast = false};
  o.residuals = {.taps = int64_t{op.k_h} * op.k_w, .depth = op.in_c / op.groups, .values = o.values};
  o.weights = sums_of(o.residuals, op.out_c);
  const bool has_bias = node.inputs.size() > 2 && node.inputs[2] >= 0;
  o.bias = biases_of(has_bias ? &tensor(node.inputs[2]) : nullptr, op.out_c);
  const int32_t input_zero = zero_point_of(tensor(node.inputs[0]));
  for (size_t c = 0; c < o.bias.size(); c++)
    o.sums.push_back(sum_range(target, o.bias[c], o.weights[c].positive, o.weights[c].negative, input_zero));
  o.fast = fast_rescale_holds(
      target, {op.out_c, op.rescale, o.bias, o.sums, result_zero(op, tensor(node.outputs[0])), op.clamp});
  return o;
}

/// Where a vector would be mostly empty, some neighbouring pixels of a row pass for one with the channels of all: each
/// one's filter is moved by its distance from the first, and the others' columns are 0.
Convolution with_joined_pixels(Convolution op, int32_t pixels) {
  op.out_w /= pixels;
  op.out_c *= pixels;
  op.k_w += (pixels - 1) * op.stride_w;
  op.stride_w *= pixels;
  std::vector<FixedPoint> rescale;
  for (int32_t p = 0; p < pixels; p++) rescale.insert(rescale.end(), op.rescale.begin(), op.rescale.end());
  if (op.rescale.size() > 1) op.rescale = std::move(rescale);
  return op;
}

/// `op`: as it was before.
Operands with_joined_pixels(const Operands& of, const Convolution& op, int32_t pixels) {
  Operands joined{.values = {}, .residuals = of.residuals, .weights = {}, .bias = {}, .sums = {}, .fast = of.fast};
  const int64_t columns = op.k_w + int64_t{pixels - 1} * op.stride_w;
  const size_t row = static_cast<size_t>(op.k_w) * static_cast<size_t>(op.in_c);
  joined.values.resize(static_cast<size_t>(pixels * op.out_c * op.k_h * columns * op.in_c));
  auto to = joined.values.begin();
  for (int64_t p = 0; p < pixels; p++) {
    auto from = of.values.begin();
    for (int64_t filter_row = 0; filter_row < int64_t{op.out_c} * op.k_h; filter_row++) {
      std::copy_n(from, row, to + p * op.stride_w * op.in_c);
      from += static_cast<int64_t>(row);
      to += columns * op.in_c;
    }
    joined.weights.insert(joined.weights.end(), of.weights.begin(), of.weights.end());
    joined.bias.insert(joined.bias.end(), of.bias.begin(), of.bias.end());
    joined.sums.insert(joined.sums.end(), of.sums.begin(), of.sums.end());
  }
  joined.residuals.taps = op.k_h * columns;
  joined.residuals.values = joined.values;
  return joined;
}

/// The same for where they lie.
OutputRows with_joined_pixels(OutputRows rows, int32_t pixels) {
  rows.width /= pixels;
  rows.pixel *= pixels;
  rows.behind /= pixels;
  return rows;
}

/// Output channels that pixels may be joined to: a vector's; for in-order cores those of Arm's widest tiles, in which a
/// load serves most multiplies. 0: none, since blocks of layers count pixels as they are.
int64_t most_joined_channels(const Convolution& op, const PlanOptions& options) {
  const bool fits = op.groups == 1 && !op.transposed && op.dilation_w == 1 && !op.addition;
  if (!fits || options.fuse_blocks_bytes > 0) return 0;
  const int64_t lanes = convolution_layout(options.target).lanes;
  if (!is_arm(options.target)) return lanes;
  return options.cores == CoreKind::InOrder ? 4 * lanes : 0;
}

/// A layer as its kernel sees it. The kernel may be none.
struct Chosen {
  Convolution op;
  Operands operands;
  Choice choice;
  OutputRows rows;
};

/// As many pixels are joined as make it cheapest.
Chosen choose(const Convolution& op, Operands operands, std::span<const Kernel> kernels, const PlanBuilder& builder,
              const OutputRows& rows) {
  const bool rows_apart = operands.fast && rows.apart();
  Chosen best{op, {}, choose_kernel(kernels, op, rows_apart, &operands.residuals), rows};
  const int64_t most = most_joined_channels(op, builder.options());
  for (int32_t pixels = 2; op.out_w % pixels == 0 && pixels * op.out_c <= most; pixels *= 2) {
    Chosen joined{
        with_joined_pixels(op, pixels), with_joined_pixels(operands, op, pixels), {}, with_joined_pixels(rows, pixels)};
    joined.choice = choose_kernel(kernels, joined.op, rows_apart, &joined.operands.residuals);
    if (joined.choice.found() && joined.choice.cost < best.choice.cost) best = std::move(joined);
  }
  if (best.op.out_c == op.out_c) best.operands = std::move(operands);
  return best;
}

/// Zero points are folded into the bias, but where the input is widened less its own. As the sums themselves, the bias
/// wraps: only the total has to fit.
std::vector<int32_t> folded_bias(const Operands& operands, const Layer& layer) {
  std::vector<int32_t> bias = operands.bias;
  if (layer.source.widened) return bias;
  for (size_t c = 0; c < bias.size(); c++) {
    const WeightSums& weights = operands.weights[c];
    bias[c] = static_cast<int32_t>(bias[c] - layer.input_zero * (weights.positive + weights.negative));
  }
  return bias;
}

/// The channel table is by group, each padded to whole blocks; the layer's channels are not. Spreads the latter out.
template <typename T>
std::vector<T> spread(const Layer& layer, std::span<const T> values) {
  std::vector<T> out(static_cast<size_t>(layer.table_position(layer.table_channels())));
  for (int64_t c = 0; c < (values.empty() ? 0 : layer.op.out_c); c++) {
    const int64_t channel = c / layer.group_channels * layer.padded_group_channels + c % layer.group_channels;
    const T& value = values[values.size() == 1 ? 0 : static_cast<size_t>(c)];
    const auto position = static_cast<size_t>(layer.table_position(channel / 2 * 2) + channel % 2);
    out[position] = value;
    if (layer.tile.pairs) out[position + 2] = value;
  }
  return out;
}

/// Pixels whose input stays in the second-level cache while all blocks of channels pass over it.
int64_t pixels_at_once(const Layer& layer) {
  constexpr int64_t kBytes = 128 << 10;
  const Convolution& op = layer.op;
  const int64_t pixel =
      int64_t{op.in_c} * layer.source.element_bytes() * std::min(op.stride_h, op.k_h) * std::min(op.stride_w, op.k_w);
  return std::max<int64_t>(1, kBytes / pixel);
}

}  // namespace

std::optional<Pads> border_of(const Convolution& op, Target target) {
  const Source source = source_of(op, /*widened=*/false);
  // Where some kernels widen: the choice comes later, and they copy anyway.
  const bool may_widen = target == Target::Avx2 || target == Target::Sse41;
  return source.copied && !may_widen && !op.transposed ? border_of(source.shape) : std::nullopt;
}

bool takes_addition(const Convolution& op, const Node& node, const Graph& graph, const PlanOptions& options) {
  const Target target = options.target;
  const std::vector<Kernel> fused_kernels = kernels_for(Family::ConvolutionAdd, options);
  const Operands operands = operands_of(op, node, graph, target);
  const Residuals* residuals = &operands.residuals;
  if (!operands.fast) return false;
  const Choice fused = choose_kernel(fused_kernels, op, /*rows_apart=*/false, residuals),
               alone = choose_kernel(kernels_for(Family::Convolution, options), op, /*rows_apart=*/false, residuals);
  if (!fused.found() || !alone.found()) return false;
  const double vectors =
      static_cast<double>(int64_t{op.batch} * op.out_h * op.out_w * op.out_c) / convolution_layout(target).lanes;
  return fused.cost <= alone.cost + vectors * addition_costs(target).alone;
}

bool writes_rows_apart(const Convolution& op, const PlanOptions& options) {
  if (op.batch != 1) return false;
  const std::vector<Kernel> kernels = kernels_for(op.addition ? Family::ConvolutionAdd : Family::Convolution, options);
  const Choice best = choose_kernel(kernels, op, /*rows_apart=*/false),
               apart = choose_kernel(kernels, op, /*rows_apart=*/true);
  if (!apart.found()) return false;
  // Tiles that do not cross the ends of rows may waste what the copy would cost.
  const double copy = 50.0 * op.out_h + static_cast<double>(int64_t{op.out_h} * op.out_w * op.out_c) / 8;
  return apart.cost <= best.cost + copy;
}

void plan(const Convolution& original, const Node& node, PlanBuilder& builder) {
  const Target target = builder.target();
  Operands originals = operands_of(original, node, builder.graph(), target);
  const bool fast = originals.fast;
  const Family family = original.addition ? Family::ConvolutionAdd
                        : fast            ? Family::Convolution
                                          : Family::ConvolutionSum;
  const std::vector<Kernel> kernels = builder.kernels(family);
  const auto [op, operands, choice, rows] =
      choose(original, std::move(originals), kernels, builder, rows_of(original, builder.margins(node.outputs[0])));
  const Kernel kernel = choice.kernel;
  if (kernel.info == nullptr)
    throw ModelError(node.name + ": no kernel's tiles fit into rows of " + std::to_string(op.out_w));

  Layer layer{};
  layer.op = op;
  layer.input = node.inputs[0];
  layer.output = node.outputs[0];
  layer.rows = rows;
  layer.input_zero = zero_point_of(builder.tensor(layer.input));
  layer.output_zero = result_zero(op, builder.tensor(layer.output));

  Residuals residuals = operands.residuals;
  layer.pixels = int64_t{op.batch} * op.out_h * op.out_w;
  layer.group_channels = op.out_c / op.groups;
  layer.groups = op.groups;
  layer.in_channels = op.in_c;
  layer.channels = op.out_c;
  layer.clamp = op.clamp;
  layer.activation = activation_halide_type(target);

  if (op.addition) {
    layer.addend = node.inputs[3];
    layer.sum = arguments_of(op.addition->sum, sum_layout(target));
    layer.sum_clamp = op.addition->clamp;
  }
  const ChannelRescale rescale{op.out_c, op.rescale, operands.bias, operands.sums, layer.output_zero, op.clamp};
  KernelForms forms{.in_float = {}, .other = kernel};
  std::vector<std::optional<FloatRescale>> numbers;
  if (rescales_in_float(*kernel.info)) {
    forms = {.in_float = kernel, .other = twin_of(kernel, kernels)};
    numbers = float_rescales(target, rescale);
    forms.numbers = numbers;
  }
  if (!fast) layer.requantize = builder.use(find_kernel(Family::Requantize, target));
  layer.tile = tile_of(*kernel.info);
  layer.source = source_of(op, layer.tile.widened);
  layer.source.bordered = builder.margins(layer.input) != Pads{};
  if (layer.source.bordered) layer.source.copied = false;
  if (layer.source.elements() > INT32_MAX)
    throw ModelError(node.name + ": the padded input has more than 2^31 elements");
  layer.pixels_at_once = pixels_at_once(layer);
  const bool merged = choice.packed ? rows_are_whole(op) : rows_merge(op, layer.tile.step);
  if (merged) merge_rows(op, residuals);
  layer.taps = residuals.taps;
  if (choice.packed) {
    layer.tap_bytes = residuals.depth;
    layer.packed_bytes = packed_pixel_bytes(residuals.taps, residuals.depth, layer.tile);
    layer.packed_offsets = builder.constant(keep_packed_offsets(builder, layer.packed_bytes, layer.tile));
    merge_taps(residuals);
  }
  layer.padded_pixels = round_up(layer.pixels, layer.tile.pixels) + layer.tile.pixels;
  layer.padded_group_channels = round_up(layer.group_channels, layer.tile.channels);
  layer.offsets = builder.constant(keep_offsets(builder, op, layer.source, merged, layer.padded_pixels));
  make_panels(builder, layer, residuals, weight_range(*kernel.info), rescale, forms);
  // Tables hold numbers of one kind for all of a panel.
  for (const Panel& panel : layer.planned) {
    const int64_t first = panel.group * layer.group_channels + panel.first;
    if (!numbers.empty() && !rescales_in_float(*forms.of({first, first + panel.channels}).info))
      std::fill_n(numbers.begin() + first, panel.channels, std::nullopt);
  }

  const auto padded_rescale = spread<FixedPoint>(layer, op.rescale);
  const auto padded_bias = spread<int32_t>(layer, folded_bias(operands, layer));
  const auto padded_sums = spread<SumRange>(layer, operands.sums);
  const auto padded_numbers = spread<std::optional<FloatRescale>>(layer, numbers);
  const int64_t positions = layer.table_position(layer.table_channels());
  const ChannelRescale table{positions, padded_rescale, padded_bias, padded_sums, layer.output_zero, op.clamp};
  layer.channel_table = builder.constant(keep_channel_table(builder, table, positions, padded_numbers));
  if (!fast) layer.requantize_table = builder.constant(keep_requantize_table(builder, table, positions));

  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.scratch_bytes = layer.copy_bytes() + (fast ? 0 : layer.pixels * op.out_c * 4);
  const std::vector<ConvolutionPanel> panels(layer.planned.begin(), layer.planned.end());
  layer.panels = builder.keep_array<ConvolutionPanel>(panels);
  step.work = static_cast<const ConvolutionStep&>(layer);
  builder.add(std::move(step));
}

}  // namespace octet
