// Whole-number helpers for sizes and ranges.
#pragma once

#include <cstdint>

namespace octet {

/// a / b rounded up; a >= 0, b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The next multiple of b, from a on.
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// Those from `begin` on, before `end`.
struct Range {
  int64_t begin, end;

  constexpr int64_t size() const { return end - begin; }
};

}  // namespace octet
