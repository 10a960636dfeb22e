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

/// Of `a` values among |a| + |b| equally likely orders without ties: how many have a U of at most `u`, as a share.
double share_up_to(size_t a, size_t b, size_t u) {
  // orders[k][s]: ways to choose k of the ranks seen so far with U = s; rank after rank is taken in.
  std::vector<std::vector<double>> orders(a + 1, std::vector<double>(a * b + 1));
  orders[0][0] = 1;
  for (size_t rank = 0; rank < a + b; ++rank) {
    for (size_t k = std::min(a, rank + 1); k > 0; --k) {
      const size_t below = rank - (k - 1);  // values of the other sample under this one
      for (size_t s = a * b + 1; s-- > below;) orders[k][s] += orders[k - 1][s - below];
    }
  }
  const std::vector<double>& all = orders[a];
  const auto end = all.begin() + static_cast<ptrdiff_t>(u) + 1;
  return std::accumulate(all.begin(), end, 0.0) / std::accumulate(all.begin(), all.end(), 0.0);
}

}  // namespace

double quantile(std::span<const double> samples, double share) { return quantile_of_sorted(sorted(samples), share); }

MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b) {
  struct Value {
    double value;
    bool of_b;
  };
  std::vector<Value> values;
  for (const double v : a) values.push_back({v, false});
  for (const double v : b) values.push_back({v, true});
  std::ranges::sort(values, {}, &Value::value);

  const auto na = static_cast<double>(a.size()), nb = static_cast<double>(b.size()), n = na + nb;
  double rank_sum = 0, ties = 0;  // of B; sum of t^3 - t over groups of t equal values
  for (size_t i = 0, end = 0; i < values.size(); i = end) {
    while (end < values.size() && values[end].value == values[i].value) ++end;
    const double rank = static_cast<double>(i + end + 1) / 2, t = static_cast<double>(end - i);
    ties += t * t * t - t;
    for (size_t j = i; j < end; ++j) rank_sum += values[j].of_b ? rank : 0;
  }
  MannWhitney result;
  result.u = rank_sum - nb * (nb + 1) / 2;

  const double mean = na * nb / 2;
  if (ties == 0 && std::max(a.size(), b.size()) <= kExactSamples) {
    const double smaller = std::min(result.u, na * nb - result.u);
    result.p = std::min(1.0, 2 * share_up_to(a.size(), b.size(), static_cast<size_t>(smaller)));
    return result;
  }
  const double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));
  if (variance <= 0) return result;  // all values equal
  const double z = std::max(0.0, std::abs(result.u - mean) - 0.5) / std::sqrt(variance);
  result.p = std::erfc(z / std::sqrt(2.0));
  return result;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return p[i]; });
  std::vector<double> corrected(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, p[order[i]] * static_cast<double>(p.size() - i));
    corrected[order[i]] = std::min(1.0, largest);
  }
  return corrected;
}

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
