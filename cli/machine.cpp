#include "cli/machine.h"

#include <fmt/ranges.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "models/model.h"

namespace octet::cli {
namespace {

using Json = nlohmann::ordered_json;

const SystemFiles kFiles = local_files();

int64_t cache_bytes(const std::string& folder) {
  const std::string size = first_line(kFiles, folder + "size");
  const int64_t value = leading_number(size, 0);
  if (size.ends_with('K')) return value << 10;
  return size.ends_with('M') ? value << 20 : value;
}

Json caches() {
  Json list = Json::array();
  for (int i = 0;; ++i) {
    const std::string folder = cpu_folder(0) + "cache/index" + std::to_string(i) + "/";
    const std::string type = first_line(kFiles, folder + "type");
    if (type.empty()) return list;
    std::vector<int> sharing;
    try {
      sharing = parse_cpu_list(first_line(kFiles, folder + "shared_cpu_list"));
    } catch (const ModelError&) {  // an unusual kernel: sharing stays unknown
    }
    list.push_back({{"type", type},
                    {"level", number_in(kFiles, folder + "level", 0)},
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

Json clusters_json() {
  Json list = Json::array();
  for (const Cluster& c : clusters()) {
    const std::string governor = first_line(kFiles, cpu_folder(c.cpus[0]) + "cpufreq/scaling_governor");
    Json cluster = {{"name", c.name}, {"cpus", to_cpu_list(c.cpus)}};
    if (!c.core.empty()) cluster["core"] = c.core;
    if (c.capacity > 0) cluster["capacity"] = c.capacity;
    if (c.max_khz > 0) cluster["max_mhz"] = static_cast<double>(c.max_khz) / 1000;
    if (!governor.empty()) cluster["governor"] = governor;
    list.push_back(std::move(cluster));
  }
  return list;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

const std::vector<Cluster>& clusters() {
  static const std::vector<Cluster> found = find_clusters(kFiles);
  return found;
}

std::string cpu_name() {
  const std::string name = cpuinfo(kFiles, "model name");
  if (!name.empty()) return name;
  std::vector<std::string> cores;
  for (const Cluster& c : clusters()) {
    if (!c.core.empty() && std::ranges::count(cores, c.core) == 0) cores.push_back(c.core);
  }
  return cores.empty() ? "unknown CPU" : fmt::format("{}", fmt::join(cores, " + "));
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
  const std::vector<int> allowed = allowed_cpus();
  const int here = sched_getcpu();
  std::vector<int> cpus;
  std::vector<Cluster> kinds = clusters();
  if (kinds.empty()) kinds.push_back({"", allowed, "", 0, 0});
  for (auto cluster = kinds.rbegin(); cluster != kinds.rend(); ++cluster) {
    std::ranges::stable_sort(cluster->cpus, {}, [&](int cpu) { return cpu != here; });
    std::ranges::copy_if(cluster->cpus, std::back_inserter(cpus),
                         [&](int cpu) { return std::ranges::count(allowed, cpu) > 0; });
  }
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

int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

Json machine_context() {
  const int64_t max_khz = number_in(kFiles, cpu_folder(0) + "cpufreq/cpuinfo_max_freq", 0);
  const std::string governor = first_line(kFiles, cpu_folder(0) + "cpufreq/scaling_governor");
  std::istringstream loads(
      first_line(kFiles, "/proc/loadavg"));  // Android's C library has no getloadavg before version 10
  double load[3] = {0, 0, 0};
  for (double& l : load) loads >> l;
  Json context = {{"date", local_time()},
                  {"host_name", host_name()},
                  {"executable", "octet"},
                  {"num_cpus", std::thread::hardware_concurrency()},
                  {"mhz_per_cpu",
                   max_khz > 0 ? static_cast<double>(max_khz) / 1000 : std::atof(cpuinfo(kFiles, "cpu MHz").c_str())},
                  {"cpu_scaling_enabled", !governor.empty() && governor != "performance"},
                  {"caches", caches()},
                  {"load_avg", load},
                  {"library_build_type", "release"},
                  {"cpu_name", cpu_name()},
                  {"scaling_governor", governor.empty() ? "none" : governor}};
  const std::string soc = soc_name(kFiles);
  if (!soc.empty()) context["soc"] = soc;
  context["clusters"] = clusters_json();
  return context;
}

}  // namespace octet::cli
