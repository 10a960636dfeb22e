// Timing a session: what is measured, without how it is shown.
#pragma once

#include <functional>
#include <vector>

#include "cli/sensors.h"
#include "runtime/session.h"
#include "system/clock.h"

namespace octet::cli {

struct Effort {
  int warmup = 5;  // runs before the samples
  int runs = 0;    // samples; 0: as many as `min_seconds` takes, at least kMinRuns
  double min_seconds = 1;
  double period_seconds = 0;  // between the starts of samples, as a camera would; 0: one after the other
  bool sustained = false;     // no upper limit on samples: `min_seconds` alone counts

  /// Whether heat matters: nothing but the runs is to take power.
  bool spares_cpu() const { return sustained || period_seconds > 0; }
};
inline constexpr size_t kMinRuns = 10, kMaxRuns = 10000;

/// Wall and processor time of one run, in seconds; processor time sums over threads.
struct Sample {
  double wall, cpu;
  Reading before = {}, after = {};
};

struct Timing {
  double first = 0;  // the session's first run ever: page faults, cold caches
  std::vector<Sample> samples;
  std::vector<std::vector<double>> layers;  // by step: wall times of separate runs that were stopped at each step

  std::vector<double> wall() const;
  std::vector<Reading> after() const;
};

/// Inputs of pseudo-random bytes (floats in [-1, 1)): zeros are not representative where power depends on data.
void fill_inputs(Session& session);

/// What runs a network.
struct Subject {
  std::function<void()> run;
  /// The same, calling after(layer) when a layer is done.
  std::function<void(const std::function<void(size_t)>& after)> run_by_layers;
  size_t layers;
};
Subject subject_of(Session& session);

/// Runs all of them, in turns, sample by sample. Without warm-up the first run is the first sample too, so that `runs`
/// is the number of runs made, and the sensors are left alone. `on_sample` sees each sample as it is taken, between two
/// runs; `after_turn` is called when all subjects have had theirs, and so while layers are timed.
std::vector<Timing> measure(const std::vector<Subject>& subjects, const Effort& effort, bool layers,
                            const Sensors& sensors, const std::function<void(const Sample&)>& on_sample,
                            const std::function<void()>& after_turn);

}  // namespace octet::cli
