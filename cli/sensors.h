// How fast and how hot the measured cores are, before and after each sample, and what that says about throttling.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/clusters.h"

namespace octet::cli {

struct Reading {
  std::vector<double> mhz;        // by Sensors::cpus(); 0 where unreadable
  std::vector<double> cap_mhz;    // what the kernel allows at most at this moment
  std::optional<double> celsius;  // of the hottest CPU zone
};

/// Reads cpufreq and the thermal zones of CPUs. What is missing or may not be read is absent. Files stay open: a
/// reading costs some microseconds a file.
class Sensors {
 public:
  /// For threads on `cpus`: one CPU of each kind stands for its kind.
  Sensors(const std::vector<int>& cpus, const std::vector<Cluster>& clusters, const std::string& root = "");
  ~Sensors();
  Sensors(Sensors&&) noexcept;

  const std::vector<int>& cpus() const;
  /// Whether there is anything to read.
  bool any() const;
  Reading read() const;
  /// The lowest passive trip point among the CPU zones: above it the kernel slows the cores.
  std::optional<double> trip_celsius() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Thermal zones tell millidegrees, old ones tenths or whole degrees. None for what no CPU can have.
std::optional<double> to_celsius(int64_t raw);

/// Why the readings, in order, show throttling: the kernel lowered what it allows, a core ran more than 5 % below what
/// it had reached earlier, or a zone came to its trip point. "" where they do not.
std::string throttling(const std::vector<Reading>& readings, const std::vector<int>& cpus,
                       std::optional<double> trip_celsius);

}  // namespace octet::cli
