#include "generators/convolution.h"

#include <algorithm>

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

// Of activations when they are multiplied: as wide as the weights.
Type factor_type(const KernelInfo& info) {
  return packed_depth(info) == 1 || widens(info) ? Int(16) : activation_of(info.target);
}

Type input_type(const KernelInfo& info) {
  if (takes_pixel_pairs(info)) return Int(64);
  return widens(info) ? Int(16) : activation_of(info.target);
}

// Multiplications of a tile that are written out: of more, loops cost nothing.
constexpr int64_t kMostUnrolled = 200;

bool can_unroll(const KernelInfo& info, const ConvolutionRows& rows) {
  const int64_t groups = step_of(info) / packed_depth(info);
  return !is_arm(info.target) && !adds_bytes(info) && !rows.runs.empty() &&
         rows.steps() * groups * info.schedule.pixels * info.schedule.vectors <= kMostUnrolled;
}

// A loop that surely runs needs no test before it.
Expr at_least_once(const Expr& extent) { return max(extent, 1); }

/// Whether a run begins with bytes that another one reads.
bool begins_within(const ConvolutionRows::Run& run, const ConvolutionRows::Run& other, int step) {
  return other.start <= run.start && run.start < other.start + other.steps * step;
}

}  // namespace

ConvolutionKernel::ConvolutionKernel(const KernelInfo& info, Output kind, const ConvolutionRows& rows)
    : input(input_type(info), 1, "input"),
      offsets(Int(32), 1, "offsets"),
      runs(Int(32), 2, "runs"),
      weights(Int(weight_bits(info) * word_bytes(info)), 5, "weights"),
      channels(Int(32), 3, "channels"),
      addend(activation_of(info.target), 3, "addend"),
      out_adjoins(rows.out_adjoins),
      kind_(kind) {
  const Target target = info.target;
  // The promises are true of every table the runtime makes; without them Halide would guard each load.
  Expr tap = unsafe_promise_clamped(runs(kRunOffsets, t), 0, offsets.dim(0).extent() - 1);
  Expr start = unsafe_promise_clamped(offset_of(info, rows, tap) + runs(kRunFirst, t), 0, 1 << 30);
  const auto elements_from = [&](const Expr& first) {
    return takes_pixel_pairs(info) ? input(first + k) : cast(factor_type(info), input(first + k));
  };
  if (takes_excess_apart(info) && !can_unroll(info, rows)) {
    row(k, x, t) = elements_from(unsafe_promise_clamped(offsets(x * info.schedule.joined + tap), 0, 1 << 30));
    excess_row(k, x, t) = elements_from(start);
    define_sum_and_excess(info);
  } else {
    row(k, x, t) = elements_from(start);
    if (takes_pixel_pairs(info))
      define_sum_of_pixel_pairs(info);
    else if (adds_bytes(info))
      define_sum_of_bytes(info);
    else if (adds_pairs(info))
      define_sum_by_pairs(info);
    else if (!rows.runs.empty() && (info.schedule.overlapping > 0 || can_unroll(info, rows)))
      define_sum_of_pieces(info, rows);
    else if (info.schedule.overlapping > 0)
      define_sum_from_first_steps(info);
    else
      define_sum(info);
  }

  const int together = takes_pixel_pairs(info) ? 2 : info.schedule.joined;
  Expr pixel = x + y * (together > 1 ? width / together * together : width);
  if (kind == Output::Sum) {
    output(c, x, y) = sum(c, pixel);
  } else if (kind == Output::Add && adds_wide(info)) {
    Expr value = rescaled_wide(target, rescales_in_float(info), sum(c, pixel), channels, c, pixel, zero_point, lo);
    output(c, x, y) = affine_sum(target, affine, clamp(value, lo, hi), addend(c, x, y), 0);
  } else {
    // Of another type than `row`: else Halide would give them one place on the stack, and LLVM leave both there.
    scaled(c, x) = reinterpret<uint8_t>(
        rescaled(target, rescales_in_float(info), sum(c, x), channels, c, x, fits_int16, zero_point, lo, hi));
    Expr byte =
        reinterpret(activation_of(target), takes_pixel_pairs(info) ? of_pixel_pair(info, pixel) : scaled(c, pixel));
    output(c, x, y) = kind == Output::Add ? affine_sum(target, affine, byte, addend(c, x, y),
                                                       c % (info.schedule.vectors * convolution_layout(target).lanes))
                                          : byte;
  }
}

// The bytes of a pair's pixels come in turns, two channels each. Tiles are of 8 or 16 channels: of others Halide would
// fill up both operands to the next function's lanes, and bytes would come from the wrong ones.
Expr ConvolutionKernel::of_pixel_pair(const KernelInfo& info, const Expr& pixel) {
  const int block = tile_of(info).channels;
  const auto picked_by = [&](const std::string& pick) {
    Expr first = c + c / block * block;
    return instruction(UInt(8), pick, {scaled(first, pixel / 2), scaled(first + block, pixel / 2)});
  };
  return select(pixel % 2 == 0, picked_by("octet_even_pairs"), picked_by("octet_odd_pairs"));
}

// Of a type that says how many at most: the loop then needs no look at a bound.
Expr ConvolutionKernel::steps(const Expr& t) {
  return at_least_once(cast<int32_t>(cast<uint16_t>(runs(kRunSteps, t))));
}

Expr ConvolutionKernel::first_step(const Expr& t) {
  return unsafe_promise_clamped(runs(kRunStep, t), 0, weights.dim(3).extent() - 1);
}

Expr ConvolutionKernel::offset_of(const KernelInfo& info, const ConvolutionRows& rows, const Expr& tap) const {
  if (!rows.pixel_step) return offsets(x + tap);
  const int tile = info.schedule.pixels;
  return offsets(x / tile * tile + tap) + x % tile * *rows.pixel_step;
}

Expr ConvolutionKernel::weight_at(const KernelInfo& info, const Expr& k, const Expr& group, const Expr& step) const {
  const int block = packed_channels(info);
  return weights(k, within_block(c, block, convolution_layout(info.target).lanes), group, step, c / block);
}

void ConvolutionKernel::define_sum(const KernelInfo& info) {
  const int depth = packed_depth(info), groups = step_of(info) / depth;
  r = RDom({{0, depth}, {0, groups}, {0, kMostRunSteps + 1}, {0, at_least_once(runs.dim(1).extent())}}, "r");
  r.where(r.z < steps(r.w));
  Expr activation = row((r.z * groups + r.y) * depth + r.x, x, r.w);
  Expr weight = weight_at(info, r.x, r.y, first_step(r.w) + r.z);
  sum(c, x) = channels(c, kBias, 0);
  sum(c, x) += cast<int32_t>(activation) * cast<int32_t>(weight);
}

// A stride that is 0, of which the compiler does not know, counts tiles: else it would load before the loop over tiles
// what is the same for all. Runs that read once more what others have read, as those of excess do, count in larger
// steps: else it would keep that for them. For both there are not enough registers.
void ConvolutionKernel::define_sum_of_pieces(const KernelInfo& info, const ConvolutionRows& rows) {
  const int depth = packed_depth(info), groups = step_of(info) / depth;
  Expr zero = x / info.schedule.pixels * channels.dim(2).stride();
  sum(c, x) = channels(c, kBias, 0);
  int32_t step = 0;
  const auto add = [&](int32_t start, int32_t count, bool unrolled, int32_t reads) {
    if (count == 0) return;
    RDom part({{0, depth}, {0, groups}, {0, count}}, "r");
    Expr first = unsafe_promise_clamped(offset_of(info, rows, 0) + start + reads * zero, 0, 1 << 30);
    Expr activation = cast(factor_type(info), input(first + (part.z * groups + part.y) * depth + part.x));
    Expr weight = weight_at(info, part.x, part.y, step + part.z + zero);
    sum(c, x) += cast<int32_t>(activation) * cast<int32_t>(weight);
    pieces.push_back({part, unrolled});
    step += count;
  };
  const bool all_unrolled = can_unroll(info, rows);
  for (size_t i = 0; i < rows.runs.size(); i++) {
    const auto [start, steps] = rows.runs[i];
    int32_t reads = 1;
    for (size_t j = 0; j < i; j++) reads += begins_within(rows.runs[i], rows.runs[j], step_of(info)) ? 1 : 0;
    const int32_t written_out = all_unrolled ? steps : std::clamp(info.schedule.overlapping - step, 0, steps);
    add(start, written_out, true, reads);
    add(start + written_out * step_of(info), steps - written_out, steps - written_out == 1, reads);
  }
}

// The first run begins where the pixel does.
void ConvolutionKernel::define_sum_from_first_steps(const KernelInfo& info) {
  const int depth = packed_depth(info), groups = step_of(info) / depth, first = info.schedule.overlapping;
  unknown_zero = excess;
  sum(c, x) = channels(c, kBias, 0);
  const auto add = [&](const RDom& part, const Expr& run, const Expr& step, bool unrolled) {
    Expr activation = row((step * groups + part.y) * depth + part.x, x, run);
    Expr weight = weight_at(info, part.x, part.y, (unrolled ? 0 : first_step(run)) + step);
    sum(c, x) += cast<int32_t>(activation) * cast<int32_t>(weight);
    pieces.push_back({part, unrolled});
  };
  const RDom written_out({{0, depth}, {0, groups}, {0, first}}, "r");
  add(written_out, 0, written_out.z, true);
  RDom others({{0, depth}, {0, groups}, {first, kMostRunSteps + 1 - first}}, "r");
  others.where(others.z < steps(0));
  add(others, 0, others.z, false);
  RDom behind({{0, depth}, {0, groups}, {0, kMostRunSteps + 1}, {1, runs.dim(1).extent() - 1}}, "r");
  behind.where(behind.z < steps(behind.w));
  add(behind, behind.w, behind.z, false);
}

void ConvolutionKernel::define_sum_of_bytes(const KernelInfo& info) {
  const int step = step_of(info), groups = step / packed_depth(info);
  r = RDom({{0, kMostRunSteps + 1}, {0, at_least_once(runs.dim(1).extent())}}, "r");
  r.where(r.x < steps(r.y));
  sum(c, x) = channels(c, kBias, 0);
  std::vector<Expr> arguments = {sum(c, x)};
  for (int group = 0; group < groups; group++) {
    // LLVM makes one load of it.
    Expr word = 0;
    for (int i = 0; i < 4; i++)
      word = word | cast<int32_t>(cast<uint32_t>(row(r.x * step + 4 * group + i, x, r.y)) << (8 * i));
    arguments.push_back(word);
    arguments.push_back(weight_at(info, 0, group, first_step(r.y) + r.x));
  }
  sum(c, x) = instruction(Int(32), "octet_dot_bytes" + std::to_string(step), arguments);
}

// All taps have as many steps as the first. What weights leave over comes last, a group of channels a run, or one a
// vector.
void ConvolutionKernel::define_sum_and_excess(const KernelInfo& info) {
  const int depth = packed_depth(info), groups = step_of(info) / depth;
  const int joined = info.schedule.joined;
  Expr taps = at_least_once(runs.dim(1).extent() - excess), tap_steps = at_least_once(runs(kRunSteps, 0));
  const auto product = [&](const Expr& activation, const Expr& k, const Expr& group, const Expr& step) {
    return cast<int32_t>(activation) * cast<int32_t>(weight_at(info, k, group, step));
  };
  const auto promised = [&](const Expr& step) { return unsafe_promise_clamped(step, 0, weights.dim(3).extent() - 1); };
  r = RDom({{0, depth}, {0, groups}, {0, (1 << 30) / step_of(info)}, {0, taps}}, "r");
  r.where(r.z < tap_steps);
  sum(c, x) = channels(c, kBias, 0);
  Expr group = (r.z + x % joined) * groups + r.y;
  sum(c, x) += product(row(group * depth + r.x, x / joined, r.w), r.x, r.y, promised(r.w * tap_steps) + r.z);
  const int lanes = convolution_layout(info.target).lanes;
  const int vectors = takes_excess_by_vector(info) ? info.schedule.vectors : 1;
  e = RDom({{0, depth}, {0, excess / vectors}}, "e");
  Expr run = taps + e.y * vectors + (vectors > 1 ? c / lanes % vectors : 0);
  sum(c, x) += product(excess_row(e.x, x, run), e.x, e.y % groups, promised(taps * tap_steps + e.y / groups));
}

// Lane l takes k = 2 l, 2 l + 1 and the same of every further 8: smull of the low halves, smlal2 of the high ones, then
// sadalp adds neighbours to the 32-bit lanes.
void ConvolutionKernel::define_sum_by_pairs(const KernelInfo& info) {
  const int step = step_of(info), depth = packed_depth(info), block = packed_channels(info);
  r = RDom({{0, 2}, {0, kMostRunSteps + 1}, {0, at_least_once(runs.dim(1).extent())}}, "r");
  r.where(r.y < steps(r.z));
  step_weights(k, c, i, t) = weights(k % depth, c % block, k / depth, first_step(t) + i, c / block);
  Expr products;
  for (int part = 0; part < step / 8; part++) {
    Expr at = part * 8 + 2 * lane + r.x;
    Expr product = cast<int16_t>(row(r.y * step + at, x, r.z)) * cast<int16_t>(step_weights(at, c, r.y, r.z));
    products = part == 0 ? product : products + product;
  }
  partial(lane, c, x) = 0;
  partial(lane, c, x) += cast<int32_t>(products);
  lanes = RDom(0, 4, "lanes");
  joined(c, x) = 0;
  joined(c, x) += partial(lanes, c, x);
  sum(c, x) = joined(c, x) + channels(c, kBias, 0);
}

// Lane l of a pair's sums holds pixel l's, of two output channels side by side. The weights' lanes are those channels.
void ConvolutionKernel::define_sum_of_pixel_pairs(const KernelInfo& info) {
  const int groups = step_of(info) / packed_depth(info), block = packed_channels(info);
  r = RDom({{0, groups}, {0, kMostRunSteps + 1}, {0, at_least_once(runs.dim(1).extent())}}, "r");
  r.where(r.y < steps(r.z));
  Expr group = r.y * groups + r.x, channel = 2 * c + lane;
  const auto bias = [&](int i) { return cast<int64_t>(cast<uint32_t>(channels(4 * c + i, kBias, 0))); };
  partial(lane, c, x) = bias(0) | (bias(1) << 32);
  partial(lane, c, x) =
      instruction(Int(64), "octet_smmla",
                  {partial(lane, c, x), row(2 * group + lane, x, r.z),
                   weights(0, within_block(channel, block, 2), r.x, first_step(r.z) + r.y, channel / block)});
  sum(c, x) = instruction(Int(32), "octet_halves", {partial(c / 2 % 2, c / 4, x)});
}

std::vector<Argument> ConvolutionKernel::arguments() const {
  std::vector<Argument> all{input, offsets, runs, weights, channels, excess, fits_int16, width, zero_point, lo, hi};
  if (kind_ != Output::Add) return all;
  all.push_back(addend);
  const std::vector<Argument> more = affine.arguments();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace octet
