#include "cli/stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace octet::cli {
namespace {

double quantile_of_sorted(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<double> sorted(std::span<const double> samples) {
  std::vector<double> values(samples.begin(), samples.end());
  std::ranges::sort(values);
  return values;
}

}  // namespace

double quantile(std::span<const double> samples, double share) { return quantile_of_sorted(sorted(samples), share); }

Summary summarize(std::span<const double> samples) {
  const std::vector<double> values = sorted(samples);
  const auto count = static_cast<double>(values.size());
  Summary s;
  s.min = values.front();
  s.median = quantile_of_sorted(values, 0.5);
  s.p90 = quantile_of_sorted(values, 0.9);
  s.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double v : values) squares += (v - s.mean) * (v - s.mean);
  s.standard_deviation = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return s;
}

}  // namespace octet::cli
