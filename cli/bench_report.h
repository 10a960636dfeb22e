// The results of `octet bench` as people read them.
#pragma once

#include <string>
#include <vector>

#include "cli/bench.h"

namespace octet::cli {

/// The machine and its peak, a row a result, doubts; with `layers`, a table of each result's layers.
std::string bench_report(const std::vector<Result>& results, const Peaks& peaks, bool layers, bool sustained);

}  // namespace octet::cli
