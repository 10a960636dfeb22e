// The kinds of cores in a machine, as the kernel describes them, and choosing CPUs by their kind.
#pragma once

#include <string>
#include <vector>

#include "cli/system_files.h"

namespace octet::cli {

/// CPUs of one kind. A phone has two or three: Snapdragon 855 is little 0-3, big 4-6, prime 7.
struct Cluster {
  std::string name;       // "little", "big", "prime"; the only one of a machine: "big"
  std::vector<int> cpus;  // by number, never empty
  std::string core;       // "Cortex-A76"; "" where unknown
  int64_t capacity = 0;   // the kernel's, 1024 for the largest; 0 where it does not tell
  int64_t max_khz = 0;    // 0 where there is no cpufreq
};

/// From the smallest cores to the largest. CPUs are of one kind if they share the part number and the capacity, and
/// their highest frequencies lie within 5 %. Of more than three kinds, all between the first and the last are "big".
/// Empty only where nothing tells how many CPUs there are.
std::vector<Cluster> find_clusters(const SystemFiles& files);

/// "Raspberry Pi 4 Model B Rev 1.4", "Qualcomm Technologies, Inc SM8150"; "" where nothing tells.
std::string soc_name(const SystemFiles& files);

/// "big 4-6 (Cortex-A76, 2419 MHz)".
std::string to_text(const Cluster& cluster);

/// The CPUs that `text` asks for: little, big, prime, all, a list (0,2-3) or a mask (0xf0). Throws ModelError.
std::vector<int> choose_cpus(const std::string& text, const std::vector<Cluster>& clusters);

/// "0,2-3" as numbers. Throws ModelError.
std::vector<int> parse_cpu_list(const std::string& text);
/// The reverse.
std::string to_cpu_list(const std::vector<int>& cpus);

}  // namespace octet::cli
