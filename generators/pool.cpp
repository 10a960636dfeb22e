#include "generators/pool.h"

namespace octet {

using namespace Halide;

namespace {

/// Columns or rows that the window of output `at` covers: [begin, end) inside the image.
struct Span {
  Expr begin, end;
};

Span span(const Expr& at, const Expr& stride, const Expr& pad, const Expr& size, const Expr& extent) {
  Expr start = at * stride - pad;
  return {max(start, 0), min(start + size, extent)};
}

/// The window of (x, y) as a reduction over what lies inside the image.
struct Window {
  Span columns, rows;
  RDom taps;

  Window(const PoolGeometry& g, const ImageParam& input, const Var& x, const Var& y)
      : columns(span(x, g.stride_w, g.pad_left, g.k_w, input.dim(1).extent())),
        rows(span(y, g.stride_h, g.pad_top, g.k_h, input.dim(2).extent())),
        taps(0, min(g.k_w, input.dim(1).extent()), 0, min(g.k_h, input.dim(2).extent()), "taps") {
    taps.where(taps.x < columns.end - columns.begin);
    taps.where(taps.y < rows.end - rows.begin);
  }
  Expr count() const { return (columns.end - columns.begin) * (rows.end - rows.begin); }
};

Expr tap_of(ImageParam& input, const Var& c, const Window& window) {
  // True wherever the window is not empty.
  Expr column = unsafe_promise_clamped(window.columns.begin + window.taps.x, 0, input.dim(1).extent() - 1);
  Expr row = unsafe_promise_clamped(window.rows.begin + window.taps.y, 0, input.dim(2).extent() - 1);
  return input(c, column, row);
}

}  // namespace

AverageKernel::AverageKernel(Target target) : input(activation_of(target), 3, "input") {
  const Window inside(window, input, x, y);
  r = inside.taps;
  Expr n = unsafe_promise_clamped(inside.count(), 0, divisors.dim(1).extent() - 1);
  sum(c, x, y) = inside.count() * offset;
  sum(c, x, y) += cast<int32_t>(tap_of(input, c, inside));

  Expr t = cast<uint32_t>(abs(sum(c, x, y))) + cast<uint32_t>(n / 2);
  Expr high = cast<uint32_t>((cast<uint64_t>(t * 2) * cast<uint64_t>(divisors(0, n))) >> 32);
  Expr quotient = cast<int32_t>(high >> divisors(1, n));
  Expr value = select(sum(c, x, y) < 0, -quotient, quotient) - offset;
  output(c, x, y) = cast(activation_of(target), clamp(value, lo, hi));
}

std::vector<Argument> AverageKernel::arguments() const {
  return {input,          divisors, window.k_w, window.k_h, window.stride_w, window.stride_h, window.pad_left,
          window.pad_top, offset,   lo,         hi};
}

MaxKernel::MaxKernel(Target target) : input(activation_of(target), 3, "input") {
  const Window inside(window, input, x, y);
  r = inside.taps;
  greatest(c, x, y) = activation_of(target).min();
  greatest(c, x, y) = max(greatest(c, x, y), tap_of(input, c, inside));
  output(c, x, y) = clamp(greatest(c, x, y), cast(activation_of(target), lo), cast(activation_of(target), hi));
}

std::vector<Argument> MaxKernel::arguments() const {
  return {input, window.k_w, window.k_h, window.stride_w, window.stride_h, window.pad_left, window.pad_top, lo, hi};
}

}  // namespace octet
