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
  Expr column, row;  // of the input, at `taps`

  Window(const PoolGeometry& g, const ImageParam& input, const Var& x, const Var& y)
      : columns(span(x, g.stride_w, g.pad_left, g.k_w, input.dim(1).extent())),
        rows(span(y, g.stride_h, g.pad_top, g.k_h, input.dim(2).extent())),
        taps(0, g.k_w, 0, g.k_h, "taps"),
        column(x * g.stride_w - g.pad_left + taps.x),
        row(y * g.stride_h - g.pad_top + taps.y) {
    taps.where(column >= columns.begin && column < columns.end);
    taps.where(row >= rows.begin && row < rows.end);
  }
  Expr count() const { return (columns.end - columns.begin) * (rows.end - rows.begin); }
};

// Inside the window's `where` these hold; Halide then needs no guard of its own.
Expr tap_of(ImageParam& input, const Var& c, const Window& window) {
  return input(c, unsafe_promise_clamped(window.column, 0, input.dim(1).extent() - 1),
               unsafe_promise_clamped(window.row, 0, input.dim(2).extent() - 1));
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
