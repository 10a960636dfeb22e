// The other ends: adbd and adb's server, sshd, a phone that does not know us.
#pragma once

#include <memory>
#include <string>

#include "tests/phone/machine.h"

namespace octet::phone {

/// A way to this machine as a device.
class Daemon {
 public:
  virtual ~Daemon() = default;
  /// For --device.
  virtual std::string device() const = 0;
  /// The daemon dies, and with it what it serves.
  virtual void vanish() = 0;
};

/// Why there can be none of a kind; "" where there can.
std::string why_no_adb();
std::string why_no_ssh();

/// adb's server, which all adbds of a test share; its files lie in `folder`.
class AdbServer {
 public:
  explicit AdbServer(const std::filesystem::path& folder);
  ~AdbServer();
  AdbServer(const AdbServer&) = delete;
  AdbServer& operator=(const AdbServer&) = delete;
};

std::unique_ptr<Daemon> start_adbd(const std::filesystem::path& folder, int port);
/// As it asks for keys and knows none, adb lists it as unauthorized.
std::unique_ptr<Daemon> start_unauthorized(const std::filesystem::path& folder, int port);
/// Puts an `ssh` that knows the way before the others in PATH.
std::unique_ptr<Daemon> start_sshd(const std::filesystem::path& folder, int port);

}  // namespace octet::phone
