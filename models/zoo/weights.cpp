#include "models/zoo/weights.h"

#include <algorithm>
#include <cmath>

namespace octet::zoo {
namespace {

// A channel that hardly varies must not make the weights which read it huge: they share a scale with others.
constexpr double kLeastVarianceShare = 0.25;

// Takes away what the taps have in common; returns the sum of squares of what is left.
double centre(std::span<double> row) {
  double sum = 0;
  for (double tap : row) sum += tap;
  const double mean = sum / static_cast<double>(row.size());
  double squares = 0;
  for (double& tap : row) {
    tap -= mean;
    squares += tap * tap;
  }
  return squares;
}

// Gives centred taps a common part such that (sum w)^2 = sum w^2.
void balance(std::span<double> row, double squares, bool negative) {
  const auto count = static_cast<double>(row.size());
  const double common = std::sqrt(squares / (count * count - count));
  for (double& tap : row) tap += negative ? -common : common;
}

double mean_variance(const Taps& taps) {
  double sum = 0;
  size_t count = 0;
  for (size_t row = 0; row < taps.rows(); row += taps.rows() / 8 + 1)
    for (const Moments& tap : taps.row(row)) {
      sum += tap.variance;
      ++count;
    }
  return sum / static_cast<double>(count);
}

double largest(std::span<const float> weights) {
  float largest = 0;
  for (float weight : weights) largest = std::max(largest, std::abs(weight));
  return largest;
}

void quantize_row(std::span<const float> weights, float scale, int32_t low, int32_t high, std::vector<int16_t>& out) {
  const double inverse = 1 / static_cast<double>(scale);
  for (float weight : weights) out.push_back(static_cast<int16_t>(std::clamp(rounded(weight * inverse), low, high)));
}

std::span<const float> row_of(const std::vector<float>& weights, const Taps& taps, size_t row) {
  return std::span(weights).subspan(row * taps.count(), taps.count());
}

}  // namespace

Taps Taps::of_own_channel(const std::vector<Moments>& channels, size_t count) {
  std::vector<Moments> repeated;
  for (const Moments& channel : channels) repeated.insert(repeated.end(), count, channel);
  return Taps(channels.size(), count, count, std::move(repeated));
}

std::vector<float> draw_weights(Random& random, const Taps& taps, double deviation, bool balanced) {
  std::vector<float> weights;
  weights.reserve(taps.rows() * taps.count());
  std::vector<double> row(taps.count());
  const double least_variance = kLeastVarianceShare * mean_variance(taps);
  for (size_t index = 0; index < taps.rows(); ++index) {
    for (double& tap : row) tap = random.bell();
    const double squares = centre(row);
    if (balanced) balance(row, squares, random.uniform() < 0.5);
    const std::span<const Moments> read = taps.row(index);
    double variance = 0;
    for (size_t tap = 0; tap < row.size(); ++tap)
      variance += row[tap] * row[tap] * std::max(read[tap].variance, least_variance);
    const double gain = deviation * random.uniform(0.75, 1.25) / std::sqrt(variance);
    for (double tap : row) weights.push_back(static_cast<float>(gain * tap));
  }
  return weights;
}

QuantizedWeights quantize_symmetric(const std::vector<float>& weights, const Taps& taps, bool per_row) {
  QuantizedWeights quantized;
  quantized.taps = taps.count();
  quantized.centred.reserve(weights.size());
  const auto common = static_cast<float>(largest(weights) / 127);
  for (size_t row = 0; row < taps.rows(); ++row) {
    const std::span<const float> values = row_of(weights, taps, row);
    const float scale = per_row ? static_cast<float>(largest(values) / 127) : common;
    quantize_row(values, scale, -127, 127, quantized.centred);
    if (per_row || row == 0) quantized.scale.push_back(scale);
  }
  return quantized;
}

QuantizedWeights quantize_asymmetric(Random& random, std::vector<float> weights, const Taps& taps) {
  QuantizedWeights quantized;
  quantized.taps = taps.count();
  quantized.zero_point = static_cast<int32_t>(random.uniform(80, 176));
  const int32_t below = quantized.zero_point - 1, above = 255 - quantized.zero_point;
  const double scale = largest(weights) / std::min(below, above);
  const double farther_end = scale * (above > below ? above : -below);
  const auto drawn_out = static_cast<size_t>(random.uniform() * static_cast<double>(weights.size()));
  weights[drawn_out] = static_cast<float>(farther_end);
  quantized.scale = {static_cast<float>(scale)};
  quantized.centred.reserve(weights.size());
  quantize_row(weights, quantized.scale[0], -below, above, quantized.centred);
  return quantized;
}

Moments row_sum(const QuantizedWeights& weights, const Taps& taps, size_t row) {
  const std::span<const int16_t> values = weights.row(row);
  const std::span<const Moments> read = taps.row(row);
  double mean = 0, variance = 0;
  for (size_t tap = 0; tap < values.size(); ++tap) {
    const double weight = values[tap];
    mean += weight * read[tap].mean;
    variance += weight * weight * read[tap].variance;
  }
  const double scale = weights.row_scale(row);
  return {mean * scale, variance * scale * scale};
}

}  // namespace octet::zoo
