// octet bench --device and octet devices as users meet them: the program is run against real daemons (README.md).
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "models/tflite_writer.h"
#include "tests/cli/outcome.h"
#include "tests/phone/daemons.h"
#include "tests/runtime/small_network.h"

namespace octet::phone {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool has(const std::string& text, const std::string& word) { return text.find(word) != std::string::npos; }

std::string quoted(const fs::path& path) {  // no path of these tests but the model's has a quote
  return "'" + path.string() + "'";
}

constexpr int kPort = 6555;  // 5555 is an emulator's, which adb finds by itself
/// What no shell must take apart.
const std::string kModel = "it's a \"small\" $net; net.tflite";
const std::string kModelQuoted = R"('it'"'"'s a "small" $net; net.tflite')";

/// Each test has a folder for its files here, and one that is the device's.
class Phone : public testing::Test {
 protected:
  void SetUp() override {
    began_as_root();
    const std::string trouble = enter_private_machine();
    if (!trouble.empty()) GTEST_SKIP() << trouble;
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::replace(name, '/', '_');
    static const fs::path kFolder = testing::TempDir();  // adb's server is given another
    root_ = kFolder / ("octet_phone_" + std::to_string(getpid()) + "_" + name);
    fs::remove_all(root_);
    fs::create_directories(here());
    fs::create_directories(there());
    const std::vector<std::byte> bytes = write_tflite(small_network());
    std::ofstream(here() / kModel, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void TearDown() override {
    if (root_.empty()) return;
    if (HasFailure()) {
      for (const char* log : {"adbd.log", "sshd.log", "octet.log"}) std::cerr << contents_of(root_ / log);
    }
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  void need_adb() {
    const std::string why = why_no_adb();
    if (!why.empty()) GTEST_SKIP() << why;
    server_ = std::make_unique<AdbServer>(root_);
  }

  const fs::path& root() const { return root_; }
  fs::path here() const { return root_ / "here"; }
  /// With what a shell would take apart.
  fs::path there() const { return root_ / "the device's $folder"; }

  std::string device_options(const std::string& device, const fs::path& binary = OCTET_COMMAND) const {
    return " --device " + device + " --device-binary " + quoted(binary) + " --device-folder \"" + root_.string() +
           "/the device's \\$folder\" ";
  }

  Outcome octet(const std::string& arguments, const std::string& program = OCTET_COMMAND) const {
    return run_in(here(), program + " " + arguments, (root_ / "run").string());
  }

  void expect_refusal(const std::string& arguments, const std::vector<std::string>& words, int code = 1,
                      const std::string& program = OCTET_COMMAND) const {
    const Outcome o = octet(arguments, program);
    EXPECT_EQ(o.code, code) << arguments << "\n" << o.err;
    EXPECT_EQ(o.out, "");
    EXPECT_EQ(std::ranges::count(o.err, '\n'), 1) << o.err;
    for (const std::string& word : words) EXPECT_TRUE(has(o.err, word)) << o.err << "lacks " << word;
    EXPECT_EQ(files_there(), std::vector<std::string>()) << "left behind";
  }

  /// All files on the device, from its folder on.
  std::vector<std::string> files_there() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(there())) {
      if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), there()).string());
    }
    return names;
  }

  Json json(const std::string& name) const { return Json::parse(contents_of(here() / name)); }

  /// Whether an octet of this test measures on the device: not merely a shell or a copy that has its name in its line.
  bool runs_there() const {
    const std::vector<pid_t> streaming = processes_with(std::string("bench\0--stream", 14)),
                             ours = processes_with(there().string() + "/");
    return std::ranges::any_of(streaming, [&](pid_t pid) { return std::ranges::count(ours, pid) > 0; });
  }

 private:
  fs::path root_;
  std::unique_ptr<AdbServer> server_;
};

size_t samples_of(const Json& json, const std::string& run_name) {
  return static_cast<size_t>(std::ranges::count_if(
      json["benchmarks"], [&](const Json& e) { return e["run_name"] == run_name && e["run_type"] == "iteration"; }));
}

/// Over adb and over ssh alike.
class BothWays : public Phone, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Phone::SetUp();
    if (IsSkipped()) return;
    if (GetParam() == std::string("adb")) {
      need_adb();
      if (!IsSkipped()) daemon_ = start_adbd(root(), kPort);
    } else {
      const std::string why = why_no_ssh();
      if (!why.empty()) GTEST_SKIP() << why;
      daemon_ = start_sshd(root(), 2222);
    }
  }
  void TearDown() override {
    daemon_.reset();
    Phone::TearDown();
  }

  Daemon& daemon() { return *daemon_; }
  std::string options() const { return device_options(daemon_->device()); }

  /// A measurement of a minute, once it is under way.
  std::unique_ptr<Background> long_measurement() {
    auto run = std::make_unique<Background>(
        std::vector<std::string>{"sh", "-c",
                                 "cd " + quoted(here()) + " && exec " OCTET_COMMAND " bench " + kModelQuoted +
                                     options() + "--no-peak --period-ms 5 --sustained 1 --json out.json"},
        root() / "octet.log");
    EXPECT_TRUE(comes_true(120, [&] { return runs_there(); })) << contents_of(root() / "octet.log");
    sleep_ms(1500);
    return run;
  }
  std::string log() const { return contents_of(root() / "octet.log"); }

  void expect_samples_kept(const std::string& why) const {
    ASSERT_TRUE(fs::exists(here() / "out.json")) << log();
    EXPECT_GT(samples_of(json("out.json"), "it's a \"small\" $net; net/threads:1"), 10u);
    EXPECT_TRUE(has(json("out.json")["context"]["incomplete"], why));
    EXPECT_TRUE(json("out.json")["context"].contains("clusters"));
  }

 private:
  std::unique_ptr<Daemon> daemon_;
};

INSTANTIATE_TEST_SUITE_P(Devices, BothWays, testing::Values("adb", "ssh"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(BothWays, MeasuresKeepsEverySampleAndSendsOnlyWhatChanged) {
  const std::string command = "bench " + kModelQuoted + options() + "--runs 7 --threads 1,2 --layers --json out.json";
  const Outcome first = octet(command);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(std::ranges::count(first.err, '\n'), 2) << first.err;
  EXPECT_TRUE(has(first.out, daemon().device())) << first.out;
  EXPECT_TRUE(has(first.out, "minima of 7 runs")) << first.out;
  const Json json = Phone::json("out.json");
  for (const char* threads : {"1", "2"}) {
    EXPECT_EQ(samples_of(json, std::string("it's a \"small\" $net; net/threads:") + threads), 7u);
    EXPECT_EQ(samples_of(json, std::string("it's a \"small\" $net; net/threads:") + threads + "/layer:0"), 7u);
    EXPECT_TRUE(json["context"]["peak_gmacs"].contains(threads));
  }
  EXPECT_EQ(json["context"]["device"]["name"], daemon().device());
  EXPECT_FALSE(json["context"].contains("incomplete"));
  EXPECT_EQ(octet("bench --compare out.json out.json").code, 0);
  EXPECT_FALSE(runs_there());
  const std::vector<std::string> brought = files_there();
  EXPECT_EQ(brought.size(), 2u);

  EXPECT_EQ(octet(command).err, "") << "sent again";
  std::ofstream(here() / kModel, std::ios::app) << "changed";
  EXPECT_EQ(std::ranges::count(octet(command).err, '\n'), 1) << "the network alone";
  EXPECT_EQ(octet("bench mobilenet_v1_0.25_128 --type uint8 --no-peak --runs 5" + options()).err, "") << "made there";

  std::ofstream(there() / "mine") << "not of octet";
  EXPECT_EQ(octet("devices --clean " + daemon().device() + " --device-folder \"" + root().string() +
                  "/the device's \\$folder\"")
                .code,
            0);
  EXPECT_EQ(files_there(), std::vector<std::string>{"mine"});
}

TEST_P(BothWays, ChoosesCpusThere) {
  const Outcome o =
      octet("bench " + kModelQuoted + options() + "--runs 5 --no-peak --cpus 0 --cpus 0x1 --json out.json");
  ASSERT_EQ(o.code, 0) << o.err;
  for (const Json& entry : json("out.json")["benchmarks"]) {
    if (entry["run_type"] == "iteration" || entry["aggregate_name"] != "min") continue;
    EXPECT_EQ(entry["cpus"], "0");
    EXPECT_EQ(entry["run_name"],
              "it's a \"small\" $net; net/cpus:" + entry["cpus_asked"].get<std::string>() + "/threads:1");
  }
  const Outcome wrong = octet("bench " + kModelQuoted + options() + "--cpus 1-x");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(has(wrong.err, daemon().device() + ": CPU list '1-x'") || has(wrong.err, "--cpus 1-x")) << wrong.err;
}

TEST_P(BothWays, ADeviceThatVanishesLeavesTheSamplesSoFar) {
  const auto run = long_measurement();
  daemon().vanish();
  EXPECT_EQ(run->wait(90), 1);
  EXPECT_TRUE(has(log(), "octet: " + daemon().device())) << log();
  EXPECT_TRUE(has(log(), "went away")) << log();
  EXPECT_TRUE(has(log(), "samples until then in out.json")) << log();
  expect_samples_kept("went away");
  EXPECT_TRUE(comes_true(10, [&] { return !runs_there(); })) << "still runs on the device";
  EXPECT_EQ(files_there().size(), 2u);
}

TEST_P(BothWays, CtrlCEndsItOnTheDeviceToo) {
  const auto run = long_measurement();
  run->signal(SIGINT);
  EXPECT_EQ(run->wait(20), 1);
  EXPECT_TRUE(has(log(), "octet: interrupted; ")) << log();
  expect_samples_kept("interrupted");
  EXPECT_TRUE(comes_true(10, [&] { return !runs_there(); })) << "still runs on the device";
  EXPECT_EQ(files_there().size(), 2u);
}

TEST_P(BothWays, AHostThatIsKilledEndsItOnTheDeviceToo) {
  const auto run = long_measurement();
  run->signal(SIGKILL);
  EXPECT_TRUE(comes_true(10, [&] { return !runs_there(); })) << "still runs on the device";
}

TEST_P(BothWays, FullAndReadOnlyDisks) {
  mount_small(there(), 64, false);
  expect_refusal("bench " + kModelQuoted + options(), {daemon().device(), "cannot be written", "No space left"});
  mount_small(there(), 64, true);
  expect_refusal("bench " + kModelQuoted + options(), {daemon().device(), "Read-only file system", "--device-folder"});
}

TEST_P(BothWays, NothingIsSentForWhatCannotRun) {
  std::ofstream(here() / "bad.tflite") << "no network";
  expect_refusal("bench bad.tflite" + options(), {"bad.tflite: "}, 2);
  expect_refusal("bench no_such_network" + options(), {"no_such_network"}, 2);
  expect_refusal("bench " + kModelQuoted + options() + "--cooldown warm", {"--cooldown warm"}, 2);
  expect_refusal("bench " + kModelQuoted + device_options(daemon().device(), here() / "bad.tflite"), {"no program"}, 2);
  expect_refusal("bench " + kModelQuoted + device_options(daemon().device(), "none"), {"none: no such file"}, 2);
  // An octet without one for Arm near it.
  fs::create_directories(root() / "elsewhere/bin");
  fs::copy_file(OCTET_COMMAND, root() / "elsewhere/bin/octet");
  expect_refusal("bench " + kModelQuoted + " --device " + daemon().device(),
                 {"arm64/bin/octet: not built; run make arm64"}, 1, (root() / "elsewhere/bin/octet").string());
}

TEST_P(BothWays, TheProgramForArmRunsThere) {
  if (!fs::exists(OCTET_ARM64)) GTEST_SKIP() << "no " << OCTET_ARM64 << " (make arm64)";
  if (!is_installed("qemu-aarch64")) GTEST_SKIP() << "qemu-aarch64 is not installed";
  expect_refusal("bench " + kModelQuoted + device_options(daemon().device(), OCTET_ARM64),
                 {"is x86_64, but", "is for aarch64"});
  std::ofstream(here() / "emulated") << "#!/bin/sh\nexec qemu-aarch64 -cpu cortex-a76 " << OCTET_ARM64 << " \"$@\"\n";
  fs::permissions(here() / "emulated", fs::perms::owner_all);
  const Outcome o = octet("bench " + kModelQuoted + device_options(daemon().device(), here() / "emulated") +
                          "--runs 5 --no-peak --target neon --json out.json");
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_EQ(json("out.json")["context"]["target"], "neon");
}

TEST_P(BothWays, DevicesSaysWhatItIs) {
  const Outcome o = octet("devices " + (GetParam() == std::string("ssh") ? daemon().device() : ""));
  EXPECT_EQ(o.code, 0) << o.err;
  EXPECT_TRUE(has(o.out, daemon().device() + "  ready")) << o.out;
  EXPECT_TRUE(has(o.out, "big 0")) << o.out;
}

class Adb : public Phone {
 protected:
  void SetUp() override {
    Phone::SetUp();
    if (!IsSkipped()) need_adb();
  }
};

TEST_F(Adb, NoneSeveralAndUnauthorizedDevices) {
  const std::string bench = "bench " + kModelQuoted;
  EXPECT_TRUE(has(octet("devices").out, "no device is attached"));
  expect_refusal(bench + device_options("adb"), {"no device is attached"});
  expect_refusal(bench + device_options("R58M123"), {"R58M123: no such device", "attached: none"});

  const auto first = start_adbd(root(), kPort);
  EXPECT_EQ(octet(bench + device_options("adb") + "--runs 5 --no-peak").code, 0);
  EXPECT_EQ(octet("devices --clean adb --device-folder \"" + root().string() + "/the device's \\$folder\"").code, 0);
  fs::create_directory(there());

  const auto second = start_unauthorized(root(), kPort + 1);
  expect_refusal(bench + device_options("adb"), {"several devices", first->device(), second->device()});
  expect_refusal(bench + device_options(second->device()), {second->device() + ": unauthorized", "unlock the phone"});
  const std::string list = octet("devices").out;
  EXPECT_TRUE(has(list, first->device() + "  ready")) << list;
  EXPECT_TRUE(has(list, second->device() + "  unauthorized")) << list;
  EXPECT_TRUE(has(list, "unlock the phone")) << list;
}

TEST_F(Phone, WithoutTheTools) {
  if (IsSkipped()) return;
  fs::create_directory(root() / "empty");
  const std::string bare = "env PATH=" + (root() / "empty").string() + " " OCTET_COMMAND;
  expect_refusal("devices", {"adb is not installed", "apt-get install adb"}, 1, bare);
  expect_refusal("bench " + kModelQuoted + " --device x", {"adb is not installed"}, 1, bare);
  expect_refusal("bench " + kModelQuoted + " --device ssh:x", {"ssh is not installed"}, 1, bare);
}

TEST_F(Phone, SshThatCannotBeHad) {
  const std::string why = why_no_ssh();
  if (!why.empty()) GTEST_SKIP() << why;
  const std::string bench = "bench " + kModelQuoted;
  expect_refusal(bench + " --device ssh:root@127.0.0.1:2",
                 {"ssh:root@127.0.0.1:2: cannot be reached: Connection refused"});
  expect_refusal(bench + " --device ssh:", {"ssh:[USER@]HOST[:PORT]"}, 2);
  expect_refusal(bench + " --device ssh:-oProxyCommand=true", {"ssh:[USER@]HOST[:PORT]"}, 2);
  const auto sshd = start_sshd(root(), 2222);
  std::ofstream(root() / "ssh/authorized") << "";
  expect_refusal(bench + " --device " + sshd->device(), {"refuses this user's keys", "ssh -p 2222"});
}

}  // namespace
}  // namespace octet::phone
