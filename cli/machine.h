// What a measurement ran on: the facts that go with every figure, and pinning.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/clusters.h"

namespace octet::cli {

/// "AMD EPYC-Milan Processor", or on Arm the names of the cores, "Cortex-A55 + Cortex-A76".
std::string cpu_name();

/// The kinds of cores of this machine.
const std::vector<Cluster>& clusters();

/// CPUs that this process may run on, by number.
std::vector<int> allowed_cpus();

/// The best `count` of the allowed CPUs: the largest cores first, the one that runs this thread before its equals.
std::vector<int> preferred_cpus(size_t count);

/// Restricts the calling thread, and threads that it starts later, to `cpus`. Returns what was obtained.
std::vector<int> pin_to(const std::vector<int>& cpus);

/// Largest resident size of this process so far, in bytes.
int64_t peak_resident_bytes();

/// google-benchmark's "context": date, host_name, num_cpus, mhz_per_cpu, caches, load_avg, ... and SoC, clusters,
/// governor.
nlohmann::ordered_json machine_context();

}  // namespace octet::cli
