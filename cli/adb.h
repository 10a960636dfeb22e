// Phones over adb, by the command-line tool of that name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/device.h"

namespace octet::cli {

/// A line of `adb devices`.
struct AdbEntry {
  std::string serial;
  std::string state;  // "device": ready; "unauthorized", "offline", "no permissions ...", "recovery"
};
std::vector<AdbEntry> adb_entries();
/// Of the output of `adb devices`.
std::vector<AdbEntry> parse_adb_entries(const std::string& text);

/// What to do about a state other than "device"; "" where nothing is known.
std::string advice_for(const std::string& state);

/// By its serial, or "adb" for the only one attached. Throws std::runtime_error where it is not there or not ready.
std::unique_ptr<Device> open_adb(const std::string& serial);

}  // namespace octet::cli
