#include "cli/clusters.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "models/model.h"

namespace octet::cli {
namespace {

/// Cores by the implementer and the part number of their main ID register.
const std::pair<int64_t, const char*> kCores[] = {
    {0x41d03, "Cortex-A53"},      {0x41d04, "Cortex-A35"},    {0x41d05, "Cortex-A55"},      {0x41d07, "Cortex-A57"},
    {0x41d08, "Cortex-A72"},      {0x41d09, "Cortex-A73"},    {0x41d0a, "Cortex-A75"},      {0x41d0b, "Cortex-A76"},
    {0x41d0c, "Neoverse N1"},     {0x41d0d, "Cortex-A77"},    {0x41d40, "Neoverse V1"},     {0x41d41, "Cortex-A78"},
    {0x41d44, "Cortex-X1"},       {0x41d46, "Cortex-A510"},   {0x41d47, "Cortex-A710"},     {0x41d48, "Cortex-X2"},
    {0x41d49, "Neoverse N2"},     {0x41d4d, "Cortex-A715"},   {0x41d4e, "Cortex-X3"},       {0x41d4f, "Neoverse V2"},
    {0x41d80, "Cortex-A520"},     {0x41d81, "Cortex-A720"},   {0x41d82, "Cortex-X4"},       {0x51800, "Kryo 2xx Gold"},
    {0x51801, "Kryo 2xx Silver"}, {0x51802, "Kryo 3xx Gold"}, {0x51803, "Kryo 3xx Silver"}, {0x51804, "Kryo 4xx Gold"},
    {0x51805, "Kryo 4xx Silver"},
};

int64_t hexadecimal(std::string_view text, int64_t otherwise) {
  if (!text.starts_with("0x")) return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return error == std::errc() ? value : otherwise;
}

/// Implementer and part, as in kCores; 0 where unknown (not Arm). /proc/cpuinfo lacks CPUs that are off.
int64_t part_of(const SystemFiles& files, const SystemFiles& info, int cpu) {
  const int64_t id = hexadecimal(first_line(files, cpu_folder(cpu) + "regs/identification/midr_el1"), -1);
  if (id >= 0) return (id >> 24 & 0xff) << 12 | (id >> 4 & 0xfff);
  const int64_t implementer = hexadecimal(cpuinfo(info, "CPU implementer", cpu), 0);
  return implementer << 12 | hexadecimal(cpuinfo(info, "CPU part", cpu), 0);
}

std::string name_of_part(int64_t part) {
  const auto* const known = std::ranges::find(kCores, part, [](const auto& core) { return core.first; });
  if (known != std::end(kCores)) return known->second;
  return part == 0 ? "" : fmt::format("implementer {:#x} part {:#x}", part >> 12, part & 0xfff);
}

struct Core {
  int cpu;
  int64_t part, capacity, max_khz;
};

bool alike(const Core& a, const Core& b) {
  const auto [low, high] = std::minmax(a.max_khz, b.max_khz);
  return a.part == b.part && a.capacity == b.capacity && static_cast<double>(high) <= 1.05 * static_cast<double>(low);
}

std::vector<Core> cores_of(const SystemFiles& files) {
  std::vector<Core> cores;
  std::string present = first_line(files, "/sys/devices/system/cpu/present");
  if (present.empty()) present = first_line(files, "/sys/devices/system/cpu/possible");
  if (present.empty()) return cores;
  std::string text = files("/proc/cpuinfo");  // read once: on large machines it is slow
  if (text.find("CPU part") == std::string::npos) text.clear();
  const SystemFiles info = files_of({{"/proc/cpuinfo", text}});
  try {
    for (const int cpu : parse_cpu_list(present)) {
      const std::string folder = cpu_folder(cpu);
      cores.push_back({cpu, part_of(files, info, cpu), number_in(files, folder + "cpu_capacity", 0),
                       number_in(files, folder + "cpufreq/cpuinfo_max_freq", 0)});
    }
  } catch (const ModelError&) {  // an unusual kernel: nothing is known
  }
  return cores;
}

void name_all(std::vector<Cluster>& clusters) {
  for (Cluster& c : clusters) c.name = "big";
  if (clusters.size() > 1) clusters.front().name = "little";
  if (clusters.size() > 2) clusters.back().name = "prime";
}

std::string all_to_text(const std::vector<Cluster>& clusters) {
  std::string text;
  for (const Cluster& c : clusters) text += (text.empty() ? "" : ", ") + c.name + " " + to_cpu_list(c.cpus);
  return text.empty() ? "CPUs of no known kind" : text;
}

std::vector<int> parse_mask(const std::string& text) {
  std::vector<int> cpus;
  for (size_t i = 0; i + 2 < text.size(); ++i) {  // digits from the right
    const int64_t digit = hexadecimal(std::string("0x") + text[text.size() - 1 - i], -1);
    if (digit < 0) throw ModelError("CPU mask '" + text + "': must be hexadecimal, as in 0xf0");
    for (int bit = 0; bit < 4; ++bit) {
      const size_t cpu = 4 * i + static_cast<size_t>(bit);
      if ((digit >> bit & 1) == 0) continue;
      if (cpu >= CPU_SETSIZE) throw ModelError("CPU mask '" + text + "': more CPUs than there can be");
      cpus.push_back(static_cast<int>(cpu));
    }
  }
  if (cpus.empty()) throw ModelError("CPU mask '" + text + "': names no CPU");
  return cpus;
}

}  // namespace

std::vector<Cluster> find_clusters(const SystemFiles& files) {
  std::vector<Core> cores = cores_of(files);
  std::ranges::stable_sort(cores, {}, [](const Core& c) { return std::tuple(c.capacity, c.max_khz, c.part); });
  std::vector<Cluster> clusters;
  const Core* first = nullptr;  // of the last cluster
  for (const Core& core : cores) {
    if (first == nullptr || !alike(*first, core)) {
      clusters.push_back({"", {}, name_of_part(core.part), core.capacity, 0});
      first = &core;
    }
    clusters.back().cpus.push_back(core.cpu);
    clusters.back().max_khz = std::max(clusters.back().max_khz, core.max_khz);
  }
  for (Cluster& c : clusters) std::ranges::sort(c.cpus);
  name_all(clusters);
  return clusters;
}

std::string soc_name(const SystemFiles& files) {
  const std::string hardware = cpuinfo(files, "Hardware");
  return hardware.empty() ? first_line(files, "/proc/device-tree/model") : hardware;
}

std::string to_text(const Cluster& cluster) {
  std::string facts = cluster.core;
  if (cluster.max_khz > 0) facts += fmt::format("{}{} MHz", facts.empty() ? "" : ", ", cluster.max_khz / 1000);
  return fmt::format("{} {}{}", cluster.name, to_cpu_list(cluster.cpus), facts.empty() ? "" : " (" + facts + ")");
}

std::vector<int> choose_cpus(const std::string& text, const std::vector<Cluster>& clusters) {
  if (text.starts_with("0x")) return parse_mask(text);
  if (text.find_first_not_of("0123456789,-") == std::string::npos) return parse_cpu_list(text);
  std::vector<int> cpus;
  for (const Cluster& c : clusters) {
    if (text == "all" || text == c.name) cpus.insert(cpus.end(), c.cpus.begin(), c.cpus.end());
  }
  if (cpus.empty()) {
    const bool is_kind = text == "little" || text == "big" || text == "prime" || text == "all";
    throw ModelError(is_kind ? fmt::format("--cpus {}: here are {}", text, all_to_text(clusters))
                             : "--cpus " + text +
                                   ": must be little, big, prime, all, a list as in 0,2-3 or a mask as in 0xf0");
  }
  std::ranges::sort(cpus);
  return cpus;
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

}  // namespace octet::cli
