#include "runtime/fixed_point.h"

#include <cmath>
#include <limits>

namespace octet {

FixedPoint quantize_multiplier(double d) {
  if (d == 0) return {};
  if (!std::isfinite(d)) return {std::numeric_limits<int32_t>::max(), std::numeric_limits<double>::max_exponent};
  int shift = 0;
  const double q = std::frexp(d, &shift);
  auto m = static_cast<int64_t>(std::round(q * static_cast<double>(int64_t{1} << 31)));
  if (m == int64_t{1} << 31) {
    m /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  return {static_cast<int32_t>(m), shift};
}

}  // namespace octet
