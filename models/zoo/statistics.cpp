#include "models/zoo/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace octet::zoo {
namespace {

// The binomial distribution of 64 coin throws stands for the normal one: no exponential function needed.
constexpr int kThrows = 64;
constexpr double kThrowsDeviation = 4;  // sqrt(64) / 2

constexpr std::array<double, kThrows + 1> binomial() {
  std::array<double, kThrows + 1> probability{};
  double coefficient = 0x1p-64;
  for (int i = 0; i <= kThrows; ++i) {
    probability[i] = coefficient;
    coefficient = coefficient * (kThrows - i) / (i + 1);
  }
  return probability;
}
constexpr auto kBinomial = binomial();

double clamped(double value, Activation activation) {
  if (activation == Activation::Relu) return std::max(value, 0.0);
  if (activation == Activation::Relu6) return std::min(std::max(value, 0.0), 6.0);
  return value;
}

}  // namespace

Moments operator+(const Moments& a, const Moments& b) { return {a.mean + b.mean, a.variance + b.variance}; }

Moments activated(const Moments& value, Activation activation) {
  if (activation == Activation::None) return value;
  const double step = std::sqrt(value.variance) / kThrowsDeviation;
  double sum = 0, squares = 0;
  for (int i = 0; i <= kThrows; ++i) {
    const double sample = clamped(value.mean + (i - kThrows / 2) * step, activation);
    sum += kBinomial[i] * sample;
    squares += kBinomial[i] * sample * sample;
  }
  return {sum, std::max(squares - sum * sum, 0.0)};
}

Moments present(const Moments& value, double share) {
  const double mean = share * value.mean;
  return {mean, share * (value.variance + value.mean * value.mean) - mean * mean};
}

Moments pooled(const std::vector<Moments>& values) {
  double sum = 0, squares = 0;
  for (const Moments& value : values) {
    sum += value.mean;
    squares += value.variance + value.mean * value.mean;
  }
  const auto count = static_cast<double>(values.size());
  const double mean = sum / count;
  return {mean, std::max(squares / count - mean * mean, 0.0)};
}

}  // namespace octet::zoo
