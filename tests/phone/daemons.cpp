#include "tests/phone/daemons.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace octet::phone {
namespace fs = std::filesystem;
namespace {

std::string adbd_program() {
  const char* const given = std::getenv("OCTET_ADBD");
  return given != nullptr ? given : OCTET_ADBD;
}

void run(const std::string& command) {
  if (std::system((command + " > /dev/null 2>&1").c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string address(int port) { return "127.0.0.1:" + std::to_string(port); }

/// adb's list has the device in this state.
bool adb_lists(const std::string& device, const std::string& state) {
  return std::system(("adb devices | grep -q '^" + device + "[[:space:]]*" + state + "'").c_str()) == 0;
}

void connect(const std::string& device, const std::string& state) {
  const bool there = comes_true(20, [&] {
    [[maybe_unused]] const int ignored = std::system(("adb connect " + device + " > /dev/null 2>&1").c_str());
    return adb_lists(device, state);
  });
  if (!there) throw std::runtime_error("adb does not see " + device + " as " + state);
}

class Adbd final : public Daemon {
 public:
  Adbd(const fs::path& folder, int port)
      : device_(address(port)),
        daemon_({"env", "ADBD_PORT=" + std::to_string(port), adbd_program()}, folder / "adbd.log") {
    connect(device_, "device");
  }
  std::string device() const override { return device_; }
  void vanish() override { daemon_.kill_with_descendants("adbd"); }

 private:
  std::string device_;
  Background daemon_;
};

// ---- adb's protocol, as far as a phone goes that waits for its owner to allow this computer

struct Message {
  uint32_t command, arg0, arg1, size, sum, magic;
};
constexpr uint32_t kAuth = 0x48545541;  // "AUTH"
constexpr uint32_t kToken = 1, kPublicKey = 3;

bool receive(int from, void* to, size_t size) {
  for (auto* at = static_cast<char*>(to); size > 0;) {
    const ssize_t got = read(from, at, size);
    if (got <= 0) return false;
    at += got, size -= static_cast<size_t>(got);
  }
  return true;
}

/// To each signature: not one that we know. When a public key comes, the owner has to be asked; there is none.
void serve_unauthorized(int peer) {
  for (Message in; receive(peer, &in, sizeof in);) {
    std::string payload(in.size, 0);
    if (!receive(peer, payload.data(), payload.size())) break;
    if (in.command == kAuth && in.arg0 == kPublicKey) continue;
    const std::string token(20, 'x');
    const Message out{kAuth, kToken, 0, 20, 20 * 'x', ~kAuth};
    if (write(peer, &out, sizeof out) != sizeof out || write(peer, token.data(), token.size()) != 20) break;
  }
  close(peer);
}

class Unauthorized final : public Daemon {
 public:
  Unauthorized(const fs::path&, int port) : device_(address(port)) {
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listening, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listening, 4) != 0)
      throw std::runtime_error("cannot listen");
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) serve_unauthorized(accept(listening, nullptr, nullptr));
    }
    close(listening);
    connect(device_, "unauthorized");
  }
  ~Unauthorized() override { vanish(); }
  std::string device() const override { return device_; }
  void vanish() override {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  std::string device_;
  pid_t pid_ = -1;
};

class Sshd final : public Daemon {
 public:
  Sshd(const fs::path& folder, int port) {
    const fs::path home = folder / "ssh";
    fs::create_directory(home);
    fs::create_directories("/run/sshd");
    for (const char* key : {"host", "user"}) run("ssh-keygen -q -t ed25519 -N '' -f " + (home / key).string());
    fs::copy_file(home / "user.pub", home / "authorized");
    const std::string at = std::to_string(port), user = getpwuid(getuid())->pw_name;
    std::ofstream(home / "sshd.conf") << "Port " << at << "\nListenAddress 127.0.0.1\nHostKey "
                                      << (home / "host").string() << "\nAuthorizedKeysFile "
                                      << (home / "authorized").string()
                                      << "\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n";
    std::ofstream(home / "ssh.conf") << "IdentityFile " << (home / "user").string()
                                     << "\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile "
                                     << (home / "known").string()
                                     << "\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking accept-new\n";
    fs::create_directory(home / "bin");
    std::ofstream(home / "bin/ssh") << "#!/bin/sh\nexec /usr/bin/ssh -F " << (home / "ssh.conf").string()
                                    << " \"$@\"\n";
    fs::permissions(home / "bin/ssh", fs::perms::owner_all);
    setenv("PATH", ((home / "bin").string() + ":" + std::getenv("PATH")).c_str(), 1);
    daemon_ = std::make_unique<Background>(
        std::vector<std::string>{"/usr/sbin/sshd", "-D", "-e", "-f", (home / "sshd.conf").string()},
        folder / "sshd.log");
    device_ = "ssh:" + user + "@127.0.0.1:" + at;
    const std::string hello = "ssh -o BatchMode=yes -p " + at + " " + user + "@127.0.0.1 true > /dev/null 2>&1";
    if (!comes_true(20, [&] { return std::system(hello.c_str()) == 0; }))
      throw std::runtime_error("sshd lets nobody in");
  }
  std::string device() const override { return device_; }
  void vanish() override { daemon_->kill_with_descendants("sshd"); }

 private:
  std::string device_;
  std::unique_ptr<Background> daemon_;
};

}  // namespace

std::string why_no_adb() {
  if (!is_installed("adb")) return "adb is not installed";
  if (access(adbd_program().c_str(), X_OK) != 0) return "no adbd; get it with tools/setup-adbd build/adbd";
  return "";
}

std::string why_no_ssh() {
  if (!is_installed("sshd") || !is_installed("ssh")) return "openssh-server is not installed";
  return began_as_root() ? "" : "sshd serves root only within a private machine";
}

AdbServer::AdbServer(const fs::path& folder) {
  setenv("HOME", folder.c_str(), 1);    // its keys
  setenv("TMPDIR", folder.c_str(), 1);  // its log
  unsetenv("ANDROID_SERIAL");
  run("adb start-server");
}

AdbServer::~AdbServer() { [[maybe_unused]] const int ignored = std::system("adb kill-server > /dev/null 2>&1"); }

std::unique_ptr<Daemon> start_adbd(const fs::path& folder, int port) { return std::make_unique<Adbd>(folder, port); }
std::unique_ptr<Daemon> start_unauthorized(const fs::path& folder, int port) {
  return std::make_unique<Unauthorized>(folder, port);
}
std::unique_ptr<Daemon> start_sshd(const fs::path& folder, int port) { return std::make_unique<Sshd>(folder, port); }

}  // namespace octet::phone
