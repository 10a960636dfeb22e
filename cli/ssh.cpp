#include "cli/ssh.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/model.h"

namespace octet::cli {
namespace {

constexpr const char* kNoSsh = "ssh is not installed (Debian: apt-get install openssh-client)";

/// What ssh means, and what to do; its own words where they are plain.
std::string in_plain_words(const SshAddress& to, const Outcome& o) {
  const auto says = [&](const char* words) { return o.err.find(words) != std::string::npos; };
  const std::string by_hand = "ssh " + (to.port.empty() ? "" : "-p " + to.port + " ") + to.host;
  if (o.hung) return "no answer";
  if (says("Host key verification failed"))
    return "its host key is unknown or has changed; run " + by_hand + " once to look at it";
  if (says("Permission denied"))
    return "it refuses this user's keys; " + by_hand + " must work without a password (ssh-copy-id)";
  for (const char* plain :
       {"Could not resolve", "Connection refused", "timed out", "No route to host", "unreachable"}) {
    const size_t at = o.err.find(plain);
    if (at != std::string::npos) return "cannot be reached: " + o.err.substr(at, o.err.find_first_of("\r\n", at) - at);
  }
  return "";
}

class SshDevice final : public Device {
 public:
  SshDevice(std::string name, SshAddress to) : Device(std::move(name)), to_(std::move(to)) {}

  std::vector<std::string> shell(const std::string& line) const override {
    std::vector<std::string> command = {"ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
                                        // a connection that has died is seen after 15 seconds
                                        "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"};
    if (!to_.port.empty()) command.insert(command.end(), {"-p", to_.port});
    // The login shell may be of another family.
    command.insert(command.end(), {"--", to_.host, "exec sh -c " + quoted(line)});
    return command;
  }
  Outcome copy(const std::string& file, const std::string& to, double patience) const override {
    // A connection that breaks looks like the file's end.
    const std::string line =
        fmt::format("{{ cat > {0} && [ \"$(wc -c < {0})\" -eq {1} ]; }} || {{ rm -f {0}; false; }}", quoted(to),
                    std::filesystem::file_size(file));
    return converse(shell(line), {.input_file = file, .patience = patience});
  }
  std::string default_folder() const override {
    std::string home = read("echo \"${HOME:?is not set; see --device-folder}\"");
    home.erase(home.find_last_not_of("\r\n") + 1);
    return home + "/.cache/octet";
  }
  std::string gone() const override {
    const Outcome outcome = run("true");
    if (outcome.ok()) return "";
    const std::string why = in_plain_words(to_, outcome);
    return why.empty() ? "it does not answer" : why;
  }
  /// Throws where it does not let us in.
  void greet() const {
    const Outcome outcome = run("true");
    if (outcome.ok()) return;
    const std::string why = in_plain_words(to_, outcome);
    if (!why.empty()) fail(why);
    fail("ssh failed", outcome);
  }

 private:
  SshAddress to_;
};

}  // namespace

SshAddress parse_ssh(const std::string& text) {
  SshAddress to{text.substr(std::string_view(kSshPrefix).size()), ""};
  const size_t bracket = to.host.find(']'), colon = to.host.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    to.port = to.host.substr(colon + 1);
    to.host.erase(colon);
    if (to.port.empty() || to.port.find_first_not_of("0123456789") != std::string::npos)
      throw ModelError(text + ": the port must be a number");
  }
  std::erase_if(to.host, [](char c) { return c == '[' || c == ']'; });
  const bool odd = std::ranges::any_of(to.host, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  if (to.host.empty() || to.host.starts_with('-') || to.host.ends_with('@') || odd)
    throw ModelError(text + ": must be ssh:[USER@]HOST[:PORT]");
  return to;
}

std::unique_ptr<Device> open_ssh(const std::string& text) {
  const SshAddress to = parse_ssh(text);
  auto device = std::make_unique<SshDevice>(text, to);
  try {
    device->greet();
  } catch (const NoSuchProgram&) {
    throw std::runtime_error(kNoSsh);
  }
  return device;
}

}  // namespace octet::cli
