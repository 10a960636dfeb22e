// What a measurement ran on: the facts that go with every figure, and pinning.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace octet::cli {

/// "AMD EPYC-Milan Processor", or on Arm "implementer 0x41 part 0xd0b".
std::string cpu_name();

/// CPUs that this process may run on, by number.
std::vector<int> allowed_cpus();

/// The best `count` of the allowed CPUs: the largest cores first, the one that runs this thread before its equals.
std::vector<int> preferred_cpus(size_t count);

/// Restricts the calling thread, and threads that it starts later, to `cpus`. Returns what was obtained.
std::vector<int> pin_to(const std::vector<int>& cpus);

/// "0,2-3" as numbers. Throws ModelError.
std::vector<int> parse_cpu_list(const std::string& text);
/// The reverse.
std::string to_cpu_list(const std::vector<int>& cpus);

/// Largest resident size of this process so far, in bytes.
int64_t peak_resident_bytes();

/// google-benchmark's "context": date, host_name, num_cpus, mhz_per_cpu, caches, load_avg, ... and governor.
nlohmann::ordered_json machine_context();

}  // namespace octet::cli
