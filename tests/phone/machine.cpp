#include "tests/phone/machine.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cli/system_files.h"

namespace octet::phone {
namespace fs = std::filesystem;
namespace {

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

bool bring_up_loopback() {
  const int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const bool ok = ioctl(socket_, SIOCSIFFLAGS, &request) == 0;
  close(socket_);
  return ok;
}

std::string enter() {
  const bool is_root = began_as_root();
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare((is_root ? 0 : CLONE_NEWUSER) | CLONE_NEWNET | CLONE_NEWNS) != 0) return failure("no private namespaces");
  if (!is_root) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failure("no private mounts");
  if (!bring_up_loopback()) return failure("no loopback");
  // Phones on this machine's USB, and files of daemons, stay out of it.
  for (const char* folder : {"/dev/bus/usb", "/run"}) {
    if (fs::exists(folder) && mount("none", folder, "tmpfs", 0, "mode=755") != 0) return failure(folder);
  }
  return "";
}

/// The parent of a process and its name.
std::pair<pid_t, std::string> parent_and_name(pid_t pid) {
  const std::string stat = cli::local_files()("/proc/" + std::to_string(pid) + "/stat");
  const size_t open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {0, ""};
  std::istringstream rest(stat.substr(close + 2));
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return {parent, stat.substr(open + 1, close - open - 1)};
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) pid = parent_and_name(pid).first;
  return pid == ancestor;
}

}  // namespace

std::string enter_private_machine() {
  static const std::string trouble = enter();
  return trouble;
}

bool began_as_root() {
  static const bool is_root = getuid() == 0;
  return is_root;
}

void mount_small(const fs::path& folder, int kib, bool read_only) {
  const std::string options = "size=" + std::to_string(kib) + "k";
  if (mount("none", folder.c_str(), "tmpfs", read_only ? MS_RDONLY : 0, options.c_str()) != 0)
    throw std::runtime_error(failure("mount"));
}

Background::Background(const std::vector<std::string>& command, const fs::path& log) : pid_(fork()) {
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), in = open("/dev/null", O_RDONLY);
  dup2(in, 0), dup2(out, 1), dup2(out, 2);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

Background::~Background() {
  signal(SIGKILL);
  wait(10);
}

void Background::signal(int number) const {
  if (!ended_) kill(pid_, number);
}

int Background::wait(double seconds) {
  int status = 0;
  ended_ = ended_ || comes_true(seconds, [&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  if (!ended_) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Background::kill_with_descendants(const std::string& name) {
  for (const pid_t pid : all_processes()) {
    if (pid != pid_ && parent_and_name(pid).second == name && descends_from(pid, pid_)) kill(pid, SIGKILL);
  }
  signal(SIGKILL);
  wait(10);
}

bool is_installed(const std::string& program) {
  std::istringstream folders(std::string(std::getenv("PATH")) + ":/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    if (pid != getpid() &&
        cli::local_files()("/proc/" + std::to_string(pid) + "/cmdline").find(text) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

void sleep_ms(int ms) { usleep(static_cast<useconds_t>(ms) * 1000); }

}  // namespace octet::phone
