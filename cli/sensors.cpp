#include "cli/sensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace octet::cli {
namespace {

constexpr int kMostZones = 128;

/// A file of one number that is read again and again.
class NumberFile {
 public:
  explicit NumberFile(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~NumberFile() {
    if (file_ >= 0) close(file_);
  }
  NumberFile(NumberFile&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

  std::optional<int64_t> read() const {
    char text[32];
    const ssize_t size = file_ < 0 ? -1 : pread(file_, text, sizeof text, 0);
    if (size <= 0) return std::nullopt;
    const int64_t value = leading_number({text, static_cast<size_t>(size)}, -1);
    return value < 0 ? std::nullopt : std::optional(value);
  }

 private:
  int file_;
};

/// "cpu-1-0-usr" (Qualcomm), "mtktscpu", "cpu-thermal" (Raspberry Pi), "soc_thermal", "x86_pkg_temp".
bool is_of_cpu(const std::string& type) {
  for (const char* word : {"cpu", "soc", "x86_pkg", "BIG", "LITTLE", "MID"}) {
    if (type.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

struct Sensors::State {
  std::vector<int> cpus;
  std::vector<NumberFile> frequencies, caps, zones;
  std::optional<double> trip;

  void add_cpu(int cpu, const std::string& root) {
    NumberFile frequency(root + cpu_folder(cpu) + "cpufreq/scaling_cur_freq");
    if (!frequency.read()) return;
    cpus.push_back(cpu);
    frequencies.push_back(std::move(frequency));
    caps.emplace_back(root + cpu_folder(cpu) + "cpufreq/scaling_max_freq");
  }

  void add_zone(const std::string& folder, const std::string& root) {
    NumberFile zone(root + folder + "temp");
    const std::optional<int64_t> now = zone.read();
    if (!now || !to_celsius(*now)) return;
    zones.push_back(std::move(zone));
    const SystemFiles files = local_files(root);
    for (int i = 0;; ++i) {
      const std::string point = folder + "trip_point_" + std::to_string(i) + "_";
      const std::string type = first_line(files, point + "type");
      if (type.empty()) return;
      const std::optional<double> at = to_celsius(number_in(files, point + "temp", -1));
      if (type == "passive" && at && (!trip || *at < *trip)) trip = at;
    }
  }
};

Sensors::Sensors(const std::vector<int>& cpus, const std::vector<Cluster>& clusters, const std::string& root)
    : state_(std::make_unique<State>()) {
  for (const Cluster& c : clusters) {
    const auto used = std::ranges::find_if(c.cpus, [&](int cpu) { return std::ranges::count(cpus, cpu) > 0; });
    if (used != c.cpus.end()) state_->add_cpu(*used, root);
  }
  const SystemFiles files = local_files(root);
  for (int i = 0; i < kMostZones; ++i) {
    const std::string folder = "/sys/class/thermal/thermal_zone" + std::to_string(i) + "/";
    const std::string type = first_line(files, folder + "type");
    if (is_of_cpu(type)) state_->add_zone(folder, root);
  }
}

Sensors::~Sensors() = default;
Sensors::Sensors(Sensors&&) noexcept = default;

const std::vector<int>& Sensors::cpus() const { return state_->cpus; }
bool Sensors::any() const { return !state_->cpus.empty() || !state_->zones.empty(); }
std::optional<double> Sensors::trip_celsius() const { return state_->trip; }

Reading Sensors::read() const {
  Reading reading;
  for (const NumberFile& file : state_->frequencies) {
    reading.mhz.push_back(static_cast<double>(file.read().value_or(0)) / 1000);
  }
  for (const NumberFile& file : state_->caps) {
    reading.cap_mhz.push_back(static_cast<double>(file.read().value_or(0)) / 1000);
  }
  for (const NumberFile& zone : state_->zones) {
    const std::optional<int64_t> raw = zone.read();
    const std::optional<double> celsius = raw ? to_celsius(*raw) : std::nullopt;
    if (celsius && (!reading.celsius || *celsius > *reading.celsius)) reading.celsius = celsius;
  }
  return reading;
}

std::optional<double> to_celsius(int64_t raw) {
  auto value = static_cast<double>(raw);
  if (raw >= 2000) {
    value /= 1000;
  } else if (raw >= 160) {
    value /= 10;
  }
  return value > 0 && value < 160 ? std::optional(value) : std::nullopt;
}

std::string throttling(const std::vector<Reading>& readings, const std::vector<int>& cpus,
                       std::optional<double> trip_celsius) {
  constexpr double kEnough = 0.95;
  for (size_t c = 0; c < cpus.size(); ++c) {
    double fastest = 0, allowed = 0;
    for (const Reading& r : readings) {
      const double now = r.mhz[c], cap = r.cap_mhz[c];
      if (cap > 0 && cap < allowed)
        return fmt::format("the kernel lowered CPU {} from at most {:.0f} to {:.0f} MHz", cpus[c], allowed, cap);
      if (now > 0 && now < kEnough * fastest)
        return fmt::format("CPU {} fell from {:.0f} to {:.0f} MHz", cpus[c], fastest, now);
      fastest = std::max(fastest, now);
      allowed = std::max(allowed, cap);
    }
  }
  for (const Reading& r : readings) {
    if (r.celsius && trip_celsius && *r.celsius >= *trip_celsius)
      return fmt::format("{:.1f} C reached, the kernel slows cores from {:.1f} C on", *r.celsius, *trip_celsius);
  }
  return "";
}

}  // namespace octet::cli
