#include "cli/adb.h"

#include <algorithm>
#include <sstream>

namespace octet::cli {
namespace {

constexpr const char* kNoAdb = "adb is not installed (Debian: apt-get install adb)";

std::string list_of(const std::vector<AdbEntry>& entries) {
  std::string text;
  for (const AdbEntry& e : entries) text += (text.empty() ? "" : ", ") + e.serial;
  return text.empty() ? "none" : text;
}

/// "" where it is ready.
std::string trouble_of(const std::string& state) {
  if (state == "device") return "";
  const std::string advice = advice_for(state);
  return state + (advice.empty() ? "" : ": " + advice);
}

class AdbDevice final : public Device {
 public:
  using Device::Device;

  std::vector<std::string> shell(const std::string& line) const override {
    return {"adb", "-s", name(), "shell", line};
  }
  Outcome copy(const std::string& file, const std::string& to, double patience) const override {
    // A path, whatever it begins with.
    const std::string path = std::filesystem::absolute(file).string();
    return converse({"adb", "-s", name(), "push", path, to}, {.patience = patience});
  }
  std::string default_folder() const override { return "/data/local/tmp/octet"; }
  std::string gone() const override {
    const std::vector<AdbEntry> entries = adb_entries();
    const auto found = std::ranges::find(entries, name(), &AdbEntry::serial);
    if (found == entries.end()) return "adb lists it no longer";
    if (found->state != "device") return trouble_of(found->state);
    return run("true").ok() ? "" : "it does not answer";
  }
};

}  // namespace

std::vector<AdbEntry> parse_adb_entries(const std::string& text) {
  std::vector<AdbEntry> entries;
  std::istringstream in(text);
  bool begun = false;  // lines before the heading are about adb's server
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("List of devices")) {
      begun = true;
      continue;
    }
    const size_t end = line.find_first_of(" \t");
    const size_t state = line.find_first_not_of(" \t", end);
    if (!begun || end == 0 || state == std::string::npos) continue;
    entries.push_back({line.substr(0, end), line.substr(state, line.find_last_not_of(" \t\r") + 1 - state)});
  }
  return entries;
}

std::vector<AdbEntry> adb_entries() {
  try {
    const Outcome outcome = converse({"adb", "devices"}, {});
    if (outcome.hung) throw std::runtime_error("adb devices: no answer; adb kill-server may help");
    if (!outcome.ok()) throw std::runtime_error("adb devices: " + outcome.err);
    return parse_adb_entries(outcome.out);
  } catch (const NoSuchProgram&) {
    throw std::runtime_error(kNoAdb);
  }
}

std::string advice_for(const std::string& state) {
  if (state == "unauthorized") return "unlock the phone and allow USB debugging from this computer";
  if (state == "authorizing" || state == "connecting") return "wait a moment, and look at the phone's screen";
  if (state == "offline") return "plug it in again, or run: adb reconnect offline";
  if (state.starts_with("no permissions"))
    return "this user may not open it: Debian's android-sdk-platform-tools-common has the udev rules, for members of "
           "plugdev";
  if (state == "recovery" || state == "sideload" || state == "bootloader") return "start Android on it";
  return "";
}

std::unique_ptr<Device> open_adb(const std::string& serial) {
  const std::vector<AdbEntry> entries = adb_entries();
  const bool any = serial == "adb";
  if (any && entries.empty()) {
    throw std::runtime_error(
        "no device is attached: plug one in with USB debugging allowed, or run adb connect HOST:PORT");
  }
  if (any && entries.size() > 1) {
    throw std::runtime_error("several devices are attached, --device must say which: " + list_of(entries));
  }
  const auto found = any ? entries.begin() : std::ranges::find(entries, serial, &AdbEntry::serial);
  if (found == entries.end()) throw std::runtime_error(serial + ": no such device; attached: " + list_of(entries));
  const std::string trouble = trouble_of(found->state);
  if (!trouble.empty()) throw std::runtime_error(found->serial + ": " + trouble);
  return std::make_unique<AdbDevice>(found->serial);
}

}  // namespace octet::cli
