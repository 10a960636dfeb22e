// 64-bit Arm Linux over ssh, by the system's ssh: its configuration, keys and known hosts hold. Nothing but a shell is
// needed there.
#pragma once

#include <memory>
#include <string>

#include "cli/device.h"

namespace octet::cli {

inline constexpr const char* kSshPrefix = "ssh:";

struct SshAddress {
  std::string host;  // with its user
  std::string port;  // "": what ssh's configuration says
};
/// "ssh:[USER@]HOST[:PORT]", an IPv6 address in brackets. Throws ModelError.
SshAddress parse_ssh(const std::string& text);

/// Throws std::runtime_error where it does not let us in.
std::unique_ptr<Device> open_ssh(const std::string& text);

}  // namespace octet::cli
