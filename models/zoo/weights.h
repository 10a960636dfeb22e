// Synthetic weights, a row of taps for each output channel: drawn to a wanted variance, then quantized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "models/zoo/statistics.h"

namespace octet::zoo {

/// What the taps of each row read.
class Taps {
 public:
  /// All rows read the same.
  Taps(size_t rows, const std::vector<Moments>& taps) : Taps(rows, taps.size(), 0, taps) {}
  /// Row r reads channel r, `count` times.
  static Taps of_own_channel(const std::vector<Moments>& channels, size_t count);

  size_t rows() const { return rows_; }
  size_t count() const { return count_; }
  std::span<const Moments> row(size_t index) const { return {moments_.data() + index * stride_, count_}; }

 private:
  Taps(size_t rows, size_t count, size_t stride, std::vector<Moments> moments)
      : rows_(rows), count_(count), stride_(stride), moments_(std::move(moments)) {}

  size_t rows_, count_, stride_;
  std::vector<Moments> moments_;
};

struct QuantizedWeights {
  size_t taps = 0;
  std::vector<int16_t> centred;  // q - zero_point, row by row
  std::vector<float> scale;      // one, or one a row
  int32_t zero_point = 0;

  float row_scale(size_t row) const { return scale[scale.size() == 1 ? 0 : row]; }
  std::span<const int16_t> row(size_t index) const { return {centred.data() + index * taps, taps}; }
};

/// Real weights, rows * taps of them. The sum that a row makes of independent taps has a standard deviation of
/// `deviation`, give or take a quarter. Rows sum to 0, so that a common error in the taps' estimated means is no error
/// of theirs. A balanced row instead answers a common change of all its taps as strongly as independent ones: for few
/// taps, which neighbouring pixels make alike.
std::vector<float> draw_weights(Random& random, const Taps& taps, double deviation, bool balanced);

/// int8 in [-127, 127], zero point 0, a scale for each row or one for all.
QuantizedWeights quantize_symmetric(const std::vector<float>& weights, const Taps& taps, bool per_row);

/// uint8 in [1, 255], one scale, a zero point off the middle; one weight is drawn out to reach the farther end, as in
/// most layers of trained networks one alone does.
QuantizedWeights quantize_asymmetric(Random& random, std::vector<float> weights, const Taps& taps);

/// Moments of each row's sum, bias excluded, in units of real value.
Moments row_sum(const QuantizedWeights& weights, const Taps& taps, size_t row);

}  // namespace octet::zoo
