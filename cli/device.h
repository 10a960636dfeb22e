// Another machine that networks run on: a phone over adb, any 64-bit Arm Linux over ssh. Both do the same two things,
// running a line of shell there and bringing a file there; what is made of these is common to both.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/clusters.h"
#include "system/process.h"

namespace octet::cli {

inline constexpr const char* kDeviceFolderHelp =
    "Folder there for Octet and networks (default: /data/local/tmp/octet, by ssh ~/.cache/octet)";

class Device {
 public:
  explicit Device(std::string name) : name_(std::move(name)) {}
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// As the user named it.
  const std::string& name() const { return name_; }
  /// What runs a line of POSIX shell there, with its exit code and both outputs.
  virtual std::vector<std::string> shell(const std::string& line) const = 0;
  /// Brings a file there, over one that may be there. `patience`: seconds.
  virtual Outcome copy(const std::string& file, const std::string& to, double patience) const = 0;
  /// An absolute path.
  virtual std::string default_folder() const = 0;
  /// Whether it can still be reached, and if not, why; "" where it can.
  virtual std::string gone() const = 0;

  Outcome run(const std::string& line) const { return converse(shell(line), {}); }
  /// The same, and what it wrote. Throws std::runtime_error where it fails.
  std::string read(const std::string& line) const;
  /// Throws std::runtime_error that begins with the device's name.
  [[noreturn]] void fail(const std::string& what) const;
  /// The same, with the last thing that a failed command wrote.
  [[noreturn]] void fail(const std::string& what, const Outcome& outcome) const;

 private:
  std::string name_;
};

/// The text as one word of POSIX shell, whatever is in it.
std::string quoted(const std::string& text);

/// By a serial number of `adb devices`; "adb", the only one attached; "ssh:[USER@]HOST[:PORT]". Makes sure that it
/// answers.
std::unique_ptr<Device> open_device(const std::string& text);

/// What is known of a device without running anything of ours on it.
struct DeviceFacts {
  std::string machine;              // uname -m: "aarch64"
  std::string model, soc, android;  // "Pixel 4", "SM8150", "13"; "" where unknown
  std::vector<Cluster> clusters;
};
DeviceFacts facts_of(const Device& device);

/// A file that is wanted on a device, by what is in it: FOLDER/HASH/NAME. So one that is there is never stale, and none
/// is sent twice. It appears whole or not at all.
std::string bring(const Device& device, const std::string& folder, const std::filesystem::path& file, bool& sent);

/// Removes all that was brought into the folder, and the folder if nothing else is in it.
void clean(const Device& device, const std::string& folder);

}  // namespace octet::cli
