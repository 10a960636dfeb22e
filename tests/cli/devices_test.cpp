// What is known of machines and devices: clusters, sensors, throttling, addresses. Their files are made here, as phones
// have them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/adb.h"
#include "cli/clusters.h"
#include "cli/cooldown.h"
#include "cli/device.h"
#include "cli/machine.h"
#include "cli/sensors.h"
#include "cli/ssh.h"
#include "models/model.h"

namespace octet::cli {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

/// CPUs `from` to `to` with what the kernel says of each.
void add_cpus(Files& files, int from, int to, int capacity, int max_khz, const char* midr) {
  for (int cpu = from; cpu <= to; ++cpu) {
    if (capacity > 0) files[cpu_folder(cpu) + "cpu_capacity"] = std::to_string(capacity) + "\n";
    if (max_khz > 0) files[cpu_folder(cpu) + "cpufreq/cpuinfo_max_freq"] = std::to_string(max_khz) + "\n";
    if (*midr != 0) files[cpu_folder(cpu) + "regs/identification/midr_el1"] = std::string(midr) + "\n";
  }
  files["/sys/devices/system/cpu/present"] = "0-" + std::to_string(to) + "\n";
}

std::string described(const std::vector<Cluster>& clusters) {
  std::string text;
  for (const Cluster& c : clusters) text += to_text(c) + "; ";
  return text;
}

TEST(Clusters, Snapdragon835HasLittleAndBig) {
  Files files;  // its kernel tells capacities nowhere
  add_cpus(files, 0, 3, 0, 1900800, "0x0000000051af8014");
  add_cpus(files, 4, 7, 0, 2457600, "0x00000000510f8001");
  const auto clusters = find_clusters(files_of(files));
  EXPECT_EQ(described(clusters), "little 0-3 (Kryo 2xx Silver, 1900 MHz); big 4-7 (Kryo 2xx Gold, 2457 MHz); ");
  EXPECT_EQ(choose_cpus("little", clusters), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(choose_cpus("big", clusters), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(choose_cpus("all", clusters).size(), 8u);
  try {
    choose_cpus("prime", clusters);
    FAIL() << "it has none";
  } catch (const ModelError& e) {
    EXPECT_EQ(std::string(e.what()), "--cpus prime: here are little 0-3, big 4-7");
  }
}

TEST(Clusters, Snapdragon855HasAPrimeCore) {
  Files files;
  add_cpus(files, 0, 3, 325, 1785600, "0x51df805e");
  add_cpus(files, 4, 6, 828, 2419200, "0x51df804e");
  add_cpus(files, 7, 7, 1024, 2841600, "0x51df804e");
  const auto clusters = find_clusters(files_of(files));
  EXPECT_EQ(
      described(clusters),
      "little 0-3 (Kryo 4xx Silver, 1785 MHz); big 4-6 (Kryo 4xx Gold, 2419 MHz); prime 7 (Kryo 4xx Gold, 2841 MHz); ");
  EXPECT_EQ(choose_cpus("prime", clusters), std::vector<int>{7});
}

TEST(Clusters, OfMoreThanThreeKindsAllBetweenAreBig) {
  Files files;  // Snapdragon 8 Gen 2
  add_cpus(files, 0, 2, 326, 2016000, "0x411fd461");
  add_cpus(files, 3, 4, 800, 2803200, "0x411fd470");
  add_cpus(files, 5, 6, 810, 2803200, "0x411fd4d0");
  add_cpus(files, 7, 7, 1024, 3187200, "0x411fd4e0");
  const auto clusters = find_clusters(files_of(files));
  ASSERT_EQ(clusters.size(), 4u);
  EXPECT_EQ(clusters[2].core, "Cortex-A715");
  EXPECT_EQ(choose_cpus("big", clusters), (std::vector<int>{3, 4, 5, 6}));
}

TEST(Clusters, RaspberryPi4HasOneKind) {
  Files files;
  add_cpus(files, 0, 3, 0, 1500000, "0x410fd083");
  files["/proc/device-tree/model"] = std::string("Raspberry Pi 4 Model B Rev 1.1\0", 31);
  EXPECT_EQ(described(find_clusters(files_of(files))), "big 0-3 (Cortex-A72, 1500 MHz); ");
  EXPECT_EQ(soc_name(files_of(files)), "Raspberry Pi 4 Model B Rev 1.1");
}

TEST(Clusters, WithoutCpufreqCpuinfoTells) {
  Files files;
  add_cpus(files, 0, 3, 0, 0, "");
  EXPECT_EQ(described(find_clusters(files_of(files))), "big 0-3; ");
  for (int cpu = 0; cpu < 4; ++cpu) {
    files["/proc/cpuinfo"] += "processor\t: " + std::to_string(cpu) +
                              "\nCPU implementer\t: 0x41\nCPU part\t: " + (cpu < 2 ? "0xd05" : "0xd0b") + "\n\n";
  }
  EXPECT_EQ(described(find_clusters(files_of(files))), "little 0-1 (Cortex-A55); big 2-3 (Cortex-A76); ");
  EXPECT_TRUE(find_clusters(files_of({})).empty());
}

TEST(Clusters, TurboOfSingleCoresMakesNoKinds) {
  Files files;
  add_cpus(files, 0, 5, 0, 4900000, "");
  add_cpus(files, 6, 7, 0, 5000000, "");
  EXPECT_EQ(find_clusters(files_of(files)).size(), 1u);
}

TEST(Clusters, MasksAndLists) {
  EXPECT_EQ(choose_cpus("0xf0", {}), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(choose_cpus("0x100000000000000001", {}), (std::vector<int>{0, 68}));
  EXPECT_EQ(choose_cpus("0,2-3", {}), (std::vector<int>{0, 2, 3}));
  for (const char* bad : {"", "0x", "0x0", "0xg", "huge", "1-", "bigger"})
    EXPECT_THROW(choose_cpus(bad, {}), ModelError) << bad;
  EXPECT_THROW(choose_cpus("0x1" + std::string(300, '0'), {}), ModelError);
  EXPECT_THROW(choose_cpus("big", {}), ModelError);
}

/// A tree of files that a test may change.
class Tree : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            ("octet_tree_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_.string() + path).parent_path());
    std::ofstream(root_.string() + path) << text << "\n";
  }
  std::string root() const { return root_.string(); }

 private:
  fs::path root_;
};

TEST_F(Tree, SensorsReadKindsInUseAndZonesOfCpus) {
  write(cpu_folder(0) + "cpufreq/scaling_cur_freq", "1785600");
  write(cpu_folder(4) + "cpufreq/scaling_cur_freq", "2419200");
  write(cpu_folder(4) + "cpufreq/scaling_max_freq", "2419200");
  const std::string zones = "/sys/class/thermal/thermal_zone";
  write(zones + "0/type", "battery");
  write(zones + "0/temp", "99000");
  write(zones + "1/type", "cpu-1-0-usr");
  write(zones + "1/temp", "45200");
  write(zones + "1/trip_point_0_type", "passive");
  write(zones + "1/trip_point_0_temp", "95000");
  write(zones + "1/trip_point_1_type", "critical");
  write(zones + "1/trip_point_1_temp", "60000");
  write(zones + "7/type", "mtktscpu");
  write(zones + "7/temp", "512");  // tenths
  const std::vector<Cluster> clusters = {{"little", {0, 1, 2, 3}, "", 0, 1785600},
                                         {"big", {4, 5, 6, 7}, "", 0, 2419200}};
  const Sensors sensors({5, 6}, clusters, root());
  EXPECT_EQ(sensors.cpus(), std::vector<int>()) << "CPU 5 tells nothing";
  const Sensors both({3, 4, 5}, {{"little", {0, 1, 2, 3}, "", 0, 0}, {"big", {4, 5}, "", 0, 0}}, root());
  EXPECT_EQ(both.cpus(), std::vector<int>{4});
  EXPECT_TRUE(both.any());
  EXPECT_EQ(both.trip_celsius(), 95.0);
  Reading reading = both.read();
  EXPECT_EQ(reading.mhz, std::vector<double>{2419.2});
  EXPECT_EQ(reading.cap_mhz, std::vector<double>{2419.2});
  EXPECT_NEAR(reading.celsius.value_or(0), 51.2, 1e-9);
  write(cpu_folder(4) + "cpufreq/scaling_cur_freq", "1401600");
  write(zones + "1/temp", "71000");
  reading = both.read();
  EXPECT_EQ(reading.mhz, std::vector<double>{1401.6}) << "read anew";
  EXPECT_EQ(reading.celsius, 71.0);
}

TEST_F(Tree, WhereNothingIsToBeReadNothingIs) {
  fs::create_directories(root());
  EXPECT_EQ(local_files()(root()), "") << "opens, but cannot be read";
  EXPECT_EQ(local_files()(root() + "/none"), "");
  const Sensors sensors({0}, {{"big", {0}, "", 0, 0}}, root());
  EXPECT_FALSE(sensors.any());
  EXPECT_FALSE(sensors.read().celsius);
  EXPECT_EQ(wait_for({0, std::nullopt}, sensors), "");
  EXPECT_THROW(wait_for({0, 40.0}, sensors), std::runtime_error);
}

TEST(Sensors, TemperaturesInAnyUnit) {
  EXPECT_EQ(to_celsius(45200), 45.2);
  EXPECT_EQ(to_celsius(452), 45.2);
  EXPECT_EQ(to_celsius(45), 45.0);
  for (const int64_t odd : {-1, 0, 1999, 400000}) EXPECT_FALSE(to_celsius(odd)) << odd;
}

Reading reading(double mhz, double cap, std::optional<double> celsius = std::nullopt) {
  return {{mhz}, {cap}, celsius};
}

TEST(Throttling, IsWhatItIs) {
  EXPECT_EQ(throttling({}, {}, std::nullopt), "");
  // A governor that takes its time at the start, and small steps.
  EXPECT_EQ(throttling({reading(800, 2419), reading(2419, 2419), reading(2342, 2419)}, {4}, std::nullopt), "");
  EXPECT_EQ(throttling({reading(2419, 2419), reading(2016, 2419)}, {4}, std::nullopt),
            "CPU 4 fell from 2419 to 2016 MHz");
  EXPECT_EQ(throttling({reading(0, 2419), reading(0, 1612)}, {4}, std::nullopt),
            "the kernel lowered CPU 4 from at most 2419 to 1612 MHz");
  EXPECT_EQ(throttling({reading(2419, 2419, 60), reading(2419, 2419, 96)}, {4}, 95),
            "96.0 C reached, the kernel slows cores from 95.0 C on");
  EXPECT_EQ(throttling({reading(2419, 2419, 60)}, {4}, 95), "");
  EXPECT_EQ(throttling({{{}, {}, 96.0}}, {}, std::nullopt), "") << "no trip point is known";
}

TEST(Cooldown, SecondsOrATemperature) {
  EXPECT_EQ(parse_cooldown("30").seconds, 30);
  EXPECT_EQ(parse_cooldown("1.5s").seconds, 1.5);
  EXPECT_EQ(parse_cooldown("40C").celsius, 40.0);
  for (const char* bad : {"", "C", "-1", "40F", "inf", "nan", "1e9"})
    EXPECT_THROW(parse_cooldown(bad), ModelError) << bad;
}

TEST(Adb, ListsAreRead) {
  const auto entries = parse_adb_entries(
      "* daemon not running; starting now at tcp:5037\n* daemon started successfully\nList of devices attached\n"
      "R58M123\tdevice\n127.0.0.1:5555\tunauthorized\nemulator-5554          offline\n"
      "????????????\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://x]\n\n");
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].serial, "R58M123");
  EXPECT_EQ(entries[0].state, "device");
  EXPECT_EQ(entries[1].serial, "127.0.0.1:5555");
  EXPECT_EQ(entries[2].state, "offline");
  EXPECT_TRUE(entries[3].state.starts_with("no permissions (user"));
  for (size_t i = 1; i < entries.size(); ++i) EXPECT_NE(advice_for(entries[i].state), "") << entries[i].state;
  EXPECT_EQ(advice_for("device"), "");
  EXPECT_TRUE(parse_adb_entries("List of devices attached\n\n").empty());
}

TEST(Ssh, Addresses) {
  const auto parsed = [](const char* text) {
    const SshAddress a = parse_ssh(text);
    return a.host + "|" + a.port;
  };
  EXPECT_EQ(parsed("ssh:pi"), "pi|");
  EXPECT_EQ(parsed("ssh:me@pi.local:2222"), "me@pi.local|2222");
  EXPECT_EQ(parsed("ssh:me@[fe80::1]:22"), "me@fe80::1|22");
  EXPECT_EQ(parsed("ssh:[::1]"), "::1|");
  for (const char* bad : {"ssh:", "ssh:me@", "ssh:-oProxyCommand=x", "ssh:pi:", "ssh:pi:2x", "ssh:a b"})
    EXPECT_THROW(parse_ssh(bad), ModelError) << bad;
}

TEST(Device, WordsOfShell) {
  EXPECT_EQ(quoted("a b"), "'a b'");
  EXPECT_EQ(quoted("it's $x"), "'it'\\''s $x'");
}

}  // namespace
}  // namespace octet::cli
