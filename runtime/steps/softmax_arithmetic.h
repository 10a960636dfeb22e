// Fixed point for SOFTMAX. Qm.n is an int32 with m integer and n fractional bits; multiplication is srdhm: Qa x Qb
// gives Q(a + b).
#pragma once

#include "runtime/steps/fixed_point.h"

namespace octet {

/// x 2^n, saturated.
inline int32_t saturating_shift_left(int32_t x, int n) {
  const int64_t shifted = int64_t{x} * (int64_t{1} << n);
  return static_cast<int32_t>(
      std::clamp<int64_t>(shifted, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

}  // namespace octet
