// Statistics of timing samples, and of whether two sets of them differ. Noise only ever adds
// time, so the minimum is nearest to what the code can do, and the median and the 90th percentile say what a user
// meets; a mean is moved by single outliers and is shown nowhere.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace octet::cli {

struct Summary {
  double min = 0, median = 0, p90 = 0, mean = 0, standard_deviation = 0;
};

/// Of at least one sample.
Summary summarize(std::span<const double> samples);

/// Mann and Whitney's test of whether one of two samples tends to lie above the other. It looks at ranks alone, so it
/// assumes no distribution and outliers weigh no more than any other value.
struct MannWhitney {
  double u = 0;  // pairs (a, b) with b > a, ties as halves: 0 where all of B lies below A, |A| * |B| where above
  double p = 1;  // two-sided
};
/// Both of at least one value. p is exact up to kExactSamples without ties, else from the normal approximation,
/// corrected for ties and continuity.
MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b);
inline constexpr size_t kExactSamples = 20;

/// Holm's correction of p values of several tests: what is below `alpha` afterwards is so with at most that chance of a
/// single false alarm among all. In the order given.
std::vector<double> holm(std::span<const double> p);

/// The value below which a share of the samples lies (0 to 1), interpolated between neighbours.
double quantile(std::span<const double> samples, double share);

}  // namespace octet::cli
