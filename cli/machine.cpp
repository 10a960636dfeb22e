#include "cli/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "models/model.h"

namespace octet::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The first line of a small system file; "" where there is none.
std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string cpu_folder(int cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/"; }

/// A number from a system file; `otherwise` where there is none.
int64_t number_in(const std::string& path, int64_t otherwise) {
  const std::string line = first_line(path);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  return error == std::errc() && end != line.data() ? value : otherwise;
}

/// A field of /proc/cpuinfo, of the first CPU that has it.
std::string cpuinfo(const std::string& field) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with(field) && colon != std::string::npos && colon + 2 <= line.size()) {
      return line.substr(colon + 2);
    }
  }
  return "";
}

/// Orders cores by size: capacity where the kernel tells it, else the highest frequency; equal where it tells neither.
int64_t size_of_core(int cpu) {
  const int64_t capacity = number_in(cpu_folder(cpu) + "cpu_capacity", 0);
  return capacity > 0 ? capacity : number_in(cpu_folder(cpu) + "cpufreq/cpuinfo_max_freq", 0);
}

int64_t cache_bytes(const std::string& folder) {
  const std::string size = first_line(folder + "size");
  const int64_t value = number_in(folder + "size", 0);
  if (size.ends_with('K')) return value << 10;
  return size.ends_with('M') ? value << 20 : value;
}

Json caches() {
  Json list = Json::array();
  for (int i = 0;; ++i) {
    const std::string folder = cpu_folder(0) + "cache/index" + std::to_string(i) + "/";
    const std::string type = first_line(folder + "type");
    if (type.empty()) return list;
    std::vector<int> sharing;
    try {
      sharing = parse_cpu_list(first_line(folder + "shared_cpu_list"));
    } catch (const ModelError&) {  // an unusual kernel: sharing stays unknown
    }
    list.push_back({{"type", type},
                    {"level", number_in(folder + "level", 0)},
                    {"size", cache_bytes(folder)},
                    {"num_sharing", sharing.size()}});
  }
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &parts);
  std::string date = text;
  return date.insert(date.size() - 2, ":");  // +0000 to +00:00
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

std::string cpu_name() {
  const std::string name = cpuinfo("model name");
  if (!name.empty()) return name;
  const std::string implementer = cpuinfo("CPU implementer"), part = cpuinfo("CPU part");
  return implementer.empty() ? "unknown CPU" : "implementer " + implementer + " part " + part;
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> preferred_cpus(size_t count) {
  std::vector<int> cpus = allowed_cpus();
  const int here = sched_getcpu();
  std::ranges::stable_sort(cpus, {}, [&](int cpu) { return std::pair(-size_of_core(cpu), cpu != here); });
  cpus.resize(std::min(count, cpus.size()));
  std::ranges::sort(cpus);
  return cpus;
}

std::vector<int> pin_to(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);  // may be refused: what counts is what was obtained
  return allowed_cpus();
}

std::vector<int> parse_cpu_list(const std::string& text) {
  const auto fail = [&] { throw ModelError("CPU list '" + text + "': must be numbers and ranges, as in 0,2-3"); };
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&] {
    int value = 0;
    const auto [rest, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value < 0 || value >= CPU_SETSIZE) fail();
    at = rest;
    return value;
  };
  for (;;) {
    const int first = number();
    int last = first;
    if (at != end && *at == '-') ++at, last = number();
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (at == end) break;
    if (*at++ != ',') fail();
  }
  std::ranges::sort(cpus);
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string to_cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ",";
    text += std::to_string(cpus[i]);
    if (last > i) text += "-" + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

Json machine_context() {
  const int64_t max_khz = number_in(cpu_folder(0) + "cpufreq/cpuinfo_max_freq", 0);
  const std::string governor = first_line(cpu_folder(0) + "cpufreq/scaling_governor");
  double load[3] = {0, 0, 0};
  if (getloadavg(load, 3) < 0) load[0] = load[1] = load[2] = 0;
  return {{"date", local_time()},
          {"host_name", host_name()},
          {"executable", "octet"},
          {"num_cpus", std::thread::hardware_concurrency()},
          {"mhz_per_cpu", max_khz > 0 ? static_cast<double>(max_khz) / 1000 : std::atof(cpuinfo("cpu MHz").c_str())},
          {"cpu_scaling_enabled", !governor.empty() && governor != "performance"},
          {"caches", caches()},
          {"load_avg", load},
          {"library_build_type", "release"},
          {"cpu_name", cpu_name()},
          {"scaling_governor", governor.empty() ? "none" : governor}};
}

}  // namespace octet::cli
