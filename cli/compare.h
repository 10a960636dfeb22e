// octet bench --compare: whether one measurement differs from another by more than noise.
#pragma once

#include <string>

namespace octet::cli {

/// Prints, for each benchmark that both files have (a network with a number of threads, or a layer of it), the ratios
/// B / A and a verdict. The files have google-benchmark's shape with all samples: `octet bench --json`, or
/// --benchmark_out with repetitions. Differences of medians up to `min_change` (0.01: one per cent) are none. Throws
/// ModelError.
void compare(const std::string& file_a, const std::string& file_b, double min_change);

}  // namespace octet::cli
