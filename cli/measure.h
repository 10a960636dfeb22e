// Timing a session: what is measured, without how it is shown.
#pragma once

#include <vector>

#include "runtime/session.h"

namespace octet::cli {

struct Effort {
  int warmup = 5;  // runs before the samples
  int runs = 0;    // samples; 0: as many as `min_seconds` takes, at least kMinRuns
  double min_seconds = 1;
};
inline constexpr size_t kMinRuns = 10, kMaxRuns = 10000;

/// Wall and processor time of one run, in seconds; processor time sums over threads.
struct Sample {
  double wall, cpu;
};

struct Timing {
  double first = 0;  // the session's first run ever: page faults, cold caches
  std::vector<Sample> samples;
  std::vector<std::vector<double>> layers;  // by step: wall times of separate runs that were stopped at each step

  std::vector<double> wall() const;
};

/// Inputs of pseudo-random bytes (floats in [-1, 1)): zeros are not representative where power depends on data.
void fill_inputs(Session& session);

/// Runs the session. Without warm-up the first run is the first sample too, so that `runs` is the number of runs made.
Timing measure(Session& session, const Effort& effort, bool layers);

double now_seconds();

}  // namespace octet::cli
