// Both rescales never fall as the sum grows, so they are equal for all sums of a range if they are equal at its ends,
// and if each output is reached at the same sum. That is at most 512 sums to look at, each of which bounds the offset
// from below or above, given the scale.
#include "runtime/ops/float_rescale.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace octet {

namespace {

/// The least sum that becomes `result` or more; there is one in int32.
int64_t first_sum(FixedPoint r, int64_t result) {
  const int32_t left = std::max(r.shift, 0), right = std::max(-r.shift, 0);
  // The least that the division by 2^right rounds to `result`, then the least that SRDHM makes of that.
  const int64_t half = right > 0 ? (int64_t{1} << right) / 2 - (result > 0 ? 0 : 1) : 0;
  const int64_t high = (result << right) - half;
  const int64_t product = high * (int64_t{1} << 31) - (int64_t{1} << 30);
  // product / multiplier rounded up: the quotient of doubles is at most 1 away, and takes a fraction of the time.
  auto least = static_cast<int64_t>(static_cast<double>(product) / r.multiplier);
  while (least * r.multiplier < product) least++;
  while ((least - 1) * r.multiplier >= product) least--;
  return (least + (int64_t{1} << left) - 1) >> left;
}

/// What offsets are right. A magnitude |sum| scale + offset, rounded to float, is truncated: it comes to n >= 1 where
/// it is n less half the distance of floats below n, or more (that midpoint is a tie, and n the even one).
class Offsets {
 public:
  explicit Offsets(size_t outputs) {
    reached_.reserve(outputs);
    missed_.reserve(outputs);
  }

  /// The sum has to give `result` or more.
  void reach(int64_t sum, int64_t result) { sum < 0 ? stay_below(sum, 1 - result) : come_to(sum, result); }
  /// Less than that.
  void miss(int64_t sum, int64_t result) { sum < 0 ? come_to(sum, 1 - result) : stay_below(sum, result); }

  /// One that is right, if there is one. `fused`: the product is not rounded by itself.
  std::optional<float> find(float scale, bool fused) const {
    constexpr double kMargin = 1e-12;  // for what the differences below lose
    double least = 0, most = 1;        // below 1: then a negative sum comes to 0 or less with it, as with its opposite
    const auto offset_at = [&](const Point& p) {
      const double product =
          fused ? static_cast<double>(p.magnitude) * scale : static_cast<double>(p.magnitude * scale);
      return p.limit - product;
    };
    for (const Point& p : reached_) least = std::max(least, offset_at(p));
    for (const Point& p : missed_) most = std::min(most, offset_at(p));
    const auto offset = static_cast<float>((least + most) / 2);
    if (impossible_ || offset < least + kMargin || offset > most - kMargin) return std::nullopt;
    return offset;
  }

 private:
  struct Point {
    float magnitude;
    double limit;
  };

  void come_to(int64_t sum, int64_t n) {
    if (n > 0) reached_.push_back(point(sum, n));
  }
  void stay_below(int64_t sum, int64_t n) {
    if (n > 0)
      missed_.push_back(point(sum, n));
    else
      impossible_ = true;
  }
  static Point point(int64_t sum, int64_t n) {
    constexpr double kUnit = 1.0 / (1 << 25);
    const auto power = static_cast<double>(uint64_t{1} << std::bit_width(static_cast<uint64_t>(n - 1)));
    return {static_cast<float>(std::abs(sum)), static_cast<double>(n) - kUnit * power};
  }

  std::vector<Point> reached_, missed_;
  bool impossible_ = false;
};

}  // namespace

std::optional<FloatRescale> float_rescale(Target target, FixedPoint rescale, SumRange sums, int32_t zero_point,
                                          Clamp clamp) {
  constexpr int64_t kLargest = int64_t{1} << 30;  // of sums, also shifted to the left: what fits int32 when rescaled
  if (rescale.multiplier < 0 || rescale.shift < -31 || rescale.shift > 8) return std::nullopt;
  const int64_t largest = kLargest >> std::max(rescale.shift, 0);
  if (sums.lo > sums.hi || sums.lo < -largest || sums.hi > largest) return std::nullopt;
  const int64_t lo = clamp.lo - zero_point, hi = clamp.hi - zero_point;
  const auto exact = [&](int64_t sum) {
    return std::clamp<int64_t>(multiply_by_quantized_multiplier(static_cast<int32_t>(sum), rescale), lo, hi);
  };

  Offsets offsets(static_cast<size_t>(hi - lo) + 2);
  for (const int64_t sum : {sums.lo, sums.hi}) {
    if (exact(sum) > lo) offsets.reach(sum, exact(sum));
    if (exact(sum) < hi) offsets.miss(sum, exact(sum) + 1);
  }
  for (int64_t result = exact(sums.lo) + 1; result <= exact(sums.hi); result++) {
    const int64_t first = first_sum(rescale, result);
    offsets.reach(first, result);
    offsets.miss(first - 1, result);
  }

  constexpr int kNeighbours = 4;
  const auto nearest = static_cast<float>(std::ldexp(rescale.multiplier, rescale.shift - 31));
  float below = nearest, above = nearest;
  for (int i = 0; i <= kNeighbours; i++) {
    for (const float scale : {above, below})
      if (const auto offset = offsets.find(scale, /*fused=*/target != Target::Sse41))
        return FloatRescale{scale, *offset};
    below = std::nextafter(below, 0.0F);
    above = std::nextafter(above, 1e30F);
  }
  return std::nullopt;
}

}  // namespace octet
