// Statistics of timing samples. Noise only ever adds time, so the minimum is nearest to what the code can do, and the
// median and the 90th percentile say what a user meets; a mean is moved by single outliers and is shown nowhere.
#pragma once

#include <span>

namespace octet::cli {

struct Summary {
  double min = 0, median = 0, p90 = 0, mean = 0, standard_deviation = 0;
};

/// Of at least one sample.
Summary summarize(std::span<const double> samples);

/// The value below which a share of the samples lies (0 to 1), interpolated between neighbours.
double quantile(std::span<const double> samples, double share);

}  // namespace octet::cli
