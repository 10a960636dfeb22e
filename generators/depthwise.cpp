#include "generators/depthwise.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

Type weight_type(Target target) { return Int(depthwise_layout(target).weight_bits); }

// Products are of two factors that are as wide as the weights.
Expr product(Target target, const Expr& activation, const Expr& weight) {
  Expr factor = depthwise_layout(target).weight_bits == 16 ? cast<int16_t>(activation) : activation;
  return cast<int32_t>(factor) * cast<int32_t>(weight);
}

Expr in_panel(Target target, const Var& c) {
  return within_block(c, depthwise_layout(target).panel, convolution_layout(target).lanes);
}

// AVX-512: its argument; vectors that the kernel spills are then aligned.
Expr on_aligned_stack(const Expr& value) { return instruction(Int(32), "octet_align_stack", {value}); }

// In one comparison.
Expr within(const Expr& index, const Internal::Dimension& d) {
  return cast<uint32_t>(index - d.min()) < cast<uint32_t>(d.extent());
}

}  // namespace

DepthwiseKernel::DepthwiseKernel(Target target, const Schedule& geometry)
    : input(activation_of(target), is_arm(target) ? 3 : 4, "input"),
      weights(weight_type(target), 4, "weights"),
      channels(Int(32), 3, "channels"),
      groups(depthwise_groups(target, geometry)) {
  const int k = geometry.filter;
  const bool shared = shares_columns(geometry);
  Expr kx = u % k, offset = kx / 2 * pair_step + kx % 2 * odd_step;
  step = shared ? geometry.stride * geometry.joined : k;
  const Expr first = geometry.stride * geometry.rows * Y;
  const Expr below = depthwise_layout(target).depth * g + t;
  if (is_arm(target)) {
    Expr row = min(first + below, input.dim(2).extent() - 1);
    Expr inside = min(target == Target::Dotprod ? likely(u) : u, input.dim(1).extent() - 1);
    column(t, c, u, g, Y) = shared ? input(c, inside, row) : input(c + offset, u / k, row);
  } else {
    last = geometry.stride * (geometry.rows - 1) + k - 1;
    const auto row_of = [&](const Expr& below) {
      if (!doubles_row(target, geometry)) return first + min(below, last);
      return first + select(below >= last, doubled_row, select(below == doubled_row, last, below));
    };
    const Internal::Dimension columns = input.dim(1);
    Expr image_column = shared ? u : geometry.stride * (u / k) + kx;
    Expr inside = within(image_column, columns);
    Expr place =
        shared ? (u - columns.min()) * columns.stride() : u / k * columns.stride() + offset - columns.min() * odd_step;
    if (geometry.sliding) {
      place = (u - on_aligned_stack(columns.min())) * columns.stride();
      begins(u, t, Y) = begin_of(inside, place, row_of(t));
      // Halide asks for bounds.
      loaded(c, u, t, Y) = padded(c, unsafe_promise_clamped(begins(u, t, Y), INT32_MIN / 2, INT32_MAX / 2));
      column(t, c, u, g, Y) = loaded(c, u, min(below, last), Y);
      // Before the first pixel Halide looks at the one before it.
      const Expr first = max(step * x, 0);
      held(t, c, x, g, Y) = column(t, c, first, g, Y);
      if (step > 1) between(t, c, x, g, Y) = column(t, c, first + 1, g, Y);
    } else {
      if (stays_in_registers(target, geometry)) {
        // The loop over pixels is split where all of their columns are inside, for which Halide wants two comparisons.
        inside = image_column >= columns.min() && image_column < columns.min() + columns.extent();
        place = likely(place);
      }
      column(t, c, u, g, Y) = padded(c, begin_of(inside, place, row_of(below)));
    }
  }

  if (target == Target::Neon)
    define_sum_by_pairs(geometry);
  else
    define_sum_by_groups(target, geometry);

  if (activation_of(target).is_uint()) {
    const int panel = depthwise_layout(target).panel;
    const Expr total = sums_by_panel(target, geometry) ? sum(c % panel, x, y, c / panel) : sum(c, x, y);
    scaled(c, x, y) = rescaled_wide(target, /*in_float=*/true, total, channels, c, 0, zero_point, lo);
    const Expr least = target == Target::Avx512Vnni && !geometry.sliding ? on_aligned_stack(lo) : lo;
    output(c, x, y) = narrowed_clamped(target, scaled(c, x, y), least, hi);
  } else {
    scaled(c, x, y) =
        rescaled(target, /*in_float=*/false, sum(c, x, y), channels, c, x, fits_int16, zero_point, lo, hi);
    output(c, x, y) = scaled(c, x, y);
  }
}

Expr DepthwiseKernel::begin_of(const Expr& inside, const Expr& place, const Expr& row) const {
  const Internal::Dimension rows = input.dim(2);
  const Expr padding = input.dim(3).stride();
  // The row's first byte, the same for all columns, then the column's.
  Expr start = select(within(row, rows), (row - rows.min()) * rows.stride(), padding);
  return select(inside, start + place, padding);
}

Expr DepthwiseKernel::padded(const Expr& channel, const Expr& begin) const {
  return input(channel + begin, input.dim(1).min(), input.dim(2).min(), 0);
}

void DepthwiseKernel::define_sum_by_groups(Target target, const Schedule& geometry) {
  const DepthwiseLayout layout = depthwise_layout(target);
  const int k = geometry.filter, rows = geometry.rows, parts = parts_in_panel(target, geometry);
  const bool by_panel = sums_by_panel(target, geometry), shares = shares_weights(target, geometry);
  r = RDom(0, layout.depth, 0, k, 0, groups, 0, parts, "r");
  const Expr channel = by_panel ? c + layout.panel * p : c, panel = by_panel ? p : c / layout.panel;
  const auto activation_at = [&](const RDom& r) -> Expr {
    if (!geometry.sliding) return column(r[0], channel, step * x + r[1], r[2], y / rows);
    Expr activation = held(r[0], channel, x + r[1] / step, r[2], y / rows);
    if (step > 1) activation = select(r[1] % step == 0, activation, between(r[0], channel, x, r[2], y / rows));
    return activation;
  };
  const auto tap_of = [&](const RDom& r, const Expr& part) {
    return r[1] + k * (r[2] + groups * (part + parts * (shares ? 0 : y % rows)));
  };
  const auto weight_of = [&](const RDom& r, const Expr& tap, const Expr& panel) -> Expr {
    Expr weight = weights(r[0], by_panel ? c : in_panel(target, c), tap, panel);
    if (!shares) return weight;
    return select(y % rows == rows - 1, weight, instruction(Int(8), "octet_next_in_word", {weight}));
  };
  Expr tap = tap_of(r, r[3]);
  Expr pixel = 0;
  if (target == Target::Dotprod) {
    // A stride that is 0, which the compiler does not know: it then loads weights and biases where they are used,
    // rather than all before the loop, from where they would spill.
    tap += x / geometry.pixels * channels.dim(2).stride();
    pixel = x + geometry.pixels * y;
  }
  Expr weight = weight_of(r, tap, panel);
  if (!by_panel) {
    sum(c, x, y) = channels(c, kBias, pixel);
    sum(c, x, y) += product(target, activation_at(r), weight);
    return;
  }
  sum(c, x, y, p) = channels(channel, kBias, pixel);
  sum(c, x, y, p) += product(target, activation_at(r), weight);
  if (!splits_by_panel(target, geometry)) return;
  more = RDom(0, layout.depth, 0, k, 0, groups, "more");
  // Halide asks for a bound.
  const Expr further = unsafe_promise_clamped(channels(layout.panel * p, kSecondParts, 0), 0, 1 << 20);
  more.where(further > 0);
  sum(c, x, y, p) += product(target, activation_at(more), weight_of(more, tap_of(more, 0), p + further));
}

// NEON: no reduction, the taps are written out. Two products add up in 16 bits: smull, smlal, then saddw.
void DepthwiseKernel::define_sum_by_pairs(const Schedule& geometry) {
  const int k = geometry.filter, taps = k * k * geometry.parts;
  const int panel = depthwise_layout(Target::Neon).panel;
  const auto narrow_product = [&](int tap) {
    Expr activation = column(0, c, step * x + tap % k, tap / k % k, y);
    return cast<int16_t>(activation) * cast<int16_t>(weights(0, c % panel, tap, c / panel));
  };
  Expr total = channels(c, kBias, 0);
  for (int tap = 0; tap < taps; tap += 2) {
    Expr pair = narrow_product(tap);
    if (tap + 1 < taps) pair += narrow_product(tap + 1);
    total += cast<int32_t>(pair);
  }
  sum(c, x, y) = total;
}

std::vector<Argument> DepthwiseKernel::arguments() const {
  const Argument of_section = input.type().is_int() ? Argument(fits_int16) : Argument(doubled_row);
  return {input, pair_step, odd_step, weights, channels, of_section, zero_point, lo, hi};
}

DepthwiseAnyKernel::DepthwiseAnyKernel(Target target, Output kind)
    : input(activation_of(target), 1, "input"),
      offsets(Int(32), 2, "offsets"),
      weights(weight_type(target), 4, "weights"),
      channels(Int(32), 3, "channels") {
  const DepthwiseLayout layout = depthwise_layout(target);
  r = RDom(0, layout.depth, 0, groups, "r");

  // A clamp rather than a promise: promises keep Halide from storing the taps interleaved.
  Expr offset = clamp(offsets(t, g), 0, 1 << 30);
  group(t, c, x, y, g) = input(c + pixel_step * x + row_step * y + offset);
  Expr activation = group(r.x, c, x, y, r.y);
  Expr weight = weights(r.x, in_panel(target, c), r.y, c / layout.panel);
  sum(c, x, y) = channels(c, kBias, 0);
  sum(c, x, y) += product(target, activation, weight);

  if (kind == Output::Sum) {
    output(c, x, y) = sum(c, x, y);
  } else {
    scaled(c, x, y) =
        rescaled(target, /*in_float=*/false, sum(c, x, y), channels, c, x, /*fits_int16=*/0, zero_point, lo, hi);
    output(c, x, y) = scaled(c, x, y);
  }
}

std::vector<Argument> DepthwiseAnyKernel::arguments() const {
  return {input, offsets, weights, channels, groups, pixel_step, row_step, zero_point, lo, hi};
}

}  // namespace octet
