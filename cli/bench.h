// What `octet bench` is asked for and what it finds out, apart from how that is shown.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/load.h"
#include "cli/measure.h"
#include "cli/stats.h"
#include "compiler/compiled_network.h"
#include "runtime/plan.h"

namespace octet::cli {

struct BenchOptions {
  const CLI::App* command = nullptr;  // as parsed
  std::vector<std::string> models;
  PrepareOptions prepare;
  std::vector<int> threads = {1};
  Effort effort;
  bool layers = false, no_pin = false, no_peak = false;
  bool compiled = false;    // measure the compiled network too, in turns with the runner
  std::string fuse_blocks;  // and that with its blocks fused, as parse_fuse_blocks takes it
  bool stream = false;      // events on standard output instead of tables (stream.h)
  std::string json;
  std::vector<std::string> cpus;  // each as choose_cpus takes it
  std::string cooldown = "0";
  double period_ms = 0, sustained_minutes = 0;
  std::string device, device_binary, device_folder;  // of another machine (device.h)
  std::vector<std::string> compare;                  // two files
  double min_change = 1;                             // per cent

  /// Nothing but the runs, for counting instructions: what takes a varying number of them is left out.
  bool bare() const { return effort.warmup == 0; }
  bool wants_peak() const { return !no_peak && !bare(); }
};

/// A network ready to be measured.
struct Candidate {
  std::string name;
  double load_seconds = 0, prepare_seconds = 0;
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<const CompiledNetwork> compiled = {};  // null: a session runs the plan
};

/// One network with one number of threads on one choice of CPUs.
struct Result {
  std::string name;  // "resnet50/threads:1", or "resnet50/cpus:big/threads:1" where there are several choices of CPUs
  const Candidate* candidate;
  int threads;
  std::string cpus_asked;      // "" where nobody asked
  std::string cpus_label;      // the same where several were, so that they are told apart
  std::vector<int> cpus = {};  // obtained
  std::vector<int> sensed_cpus = {};
  double prepare_seconds = 0;  // the candidate's, and what an instance took to be made
  Timing timing = {};
  Summary summary = {};        // of wall times, in seconds
  std::string throttled = {};  // why it is said to have been; else ""
  std::string note = {};       // what else the reader must know

  /// Where its peak stands: "1", or "big:1".
  std::string peak_key() const { return (cpus_label.empty() ? "" : cpus_label + ":") + std::to_string(threads); }
  double gmacs() const { return static_cast<double>(candidate->plan->macs()) / summary.min * 1e-9; }
};

/// Peaks in GMAC/s by Result::peak_key: the best of all measurements in this process.
using Peaks = std::map<std::string, double>;

inline double layer_gmacs(const Step& step, double seconds) { return static_cast<double>(step.macs) / seconds * 1e-9; }

}  // namespace octet::cli
