#include "system/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "system/clock.h"

namespace octet {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
constexpr double kGrace = 3;  // seconds that a program gets to end by itself once its input is closed

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int) { interrupted = 1; }

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

/// A file without a name that holds it: neither side ever waits for the other.
int file_of(std::string_view text) {
  std::FILE* const file = std::tmpfile();
  if (file == nullptr) fail("temporary file");
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  const int copy = written ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1;
  std::fclose(file);
  if (copy < 0 || lseek(copy, 0, SEEK_SET) < 0) fail("temporary file");
  return copy;
}

/// In the child: never returns. Only what is safe between fork and exec.
[[noreturn]] void become(char* const* argv, int in, int out, int err, int report) {
  setpgid(0, 0);
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
  if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
    execvp(argv[0], argv);
  const int why = errno;
  [[maybe_unused]] const ssize_t written = write(report, &why, sizeof why);
  _exit(127);
}

class Child {
 public:
  Child(const std::vector<std::string>& command, const Conversation& how) {
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    Pipe in, out, err, report;
    Descriptor file;
    if (how.beat_seconds <= 0) {
      if (how.input_file.empty())
        file.reset(file_of(how.input));
      else
        file.reset(open(how.input_file.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file.is_open()) fail(how.input_file);
    }
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) {
      become(argv.data(), file.is_open() ? file.get() : in.read.get(), out.write.get(), err.write.get(),
             report.write.get());
    }
    setpgid(pid_, pid_);  // as the child does: whichever comes first
    report.write.reset();
    int why = 0;
    if (read(report.read.get(), &why, sizeof why) == sizeof why) {
      wait(-1);
      if (why == ENOENT) throw NoSuchProgram(command[0] + ": not installed");
      throw std::runtime_error(command[0] + ": cannot be started: " + std::strerror(why));
    }
    if (!file.is_open()) in_.reset(dup_of(in.write));
    fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    out_.reset(dup_of(out.read));
    err_.reset(dup_of(err.read));
  }
  ~Child() {
    in_.reset();
    if (wait(kGrace)) return;
    kill(-pid_, SIGKILL);
    wait(-1);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Descriptor in_, out_, err_;

  void kill_now() {
    if (!code_) kill(-pid_, SIGKILL);
  }
  /// The exit code, waiting up to `seconds` (negative: forever).
  std::optional<int> wait(double seconds) {
    const double start = now_seconds();
    for (int status = 0; !code_;) {
      const pid_t ended = waitpid(pid_, &status, seconds < 0 ? 0 : WNOHANG);
      if (ended == pid_) {
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (ended < 0 && errno != EINTR) {
        code_ = 127;
      } else if (seconds >= 0) {
        if (now_seconds() - start >= seconds) return std::nullopt;
        sleep_seconds(0.01);
      }
    }
    return code_;
  }

 private:
  static int dup_of(const Descriptor& d) { return fcntl(d.get(), F_DUPFD_CLOEXEC, 0); }

  pid_t pid_ = -1;
  std::optional<int> code_;
};

/// Takes what is there to be read. False at the end.
bool take(Descriptor& from, std::string& into) {
  char chunk[1 << 16];
  const ssize_t size = read(from.get(), chunk, sizeof chunk);
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) {
    from.reset();
    return false;
  }
  into.append(chunk, static_cast<size_t>(size));
  return true;
}

void hand_out_lines(std::string& text, const std::function<void(const std::string&)>& on_line) {
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();  // through the terminal of an old phone's shell
    on_line(line);
  }
  text.erase(0, begin);
}

}  // namespace

Interruptible::Interruptible() {
  interrupted = 0;
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    struct sigaction action {};
    action.sa_handler = kSignals[i] == SIGPIPE ? SIG_IGN : on_signal;
    sigaction(kSignals[i], &action, &before_[i]);
  }
}

Interruptible::~Interruptible() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

Outcome converse(const std::vector<std::string>& command, const Conversation& how) {
  Child child(command, how);
  Outcome outcome;
  double last = now_seconds(), beat = last;
  while (child.out_.is_open() || child.err_.is_open()) {
    if (interrupted != 0) {
      interrupted = 0;
      throw Interrupted();  // the child's destructor ends it
    }
    if (how.beat_seconds > 0 && now_seconds() - beat >= how.beat_seconds) {
      beat = now_seconds();
      [[maybe_unused]] const ssize_t written = write(child.in_.get(), "\n", 1);  // where it is gone, its output tells
    }
    if (now_seconds() - last > how.patience) {
      outcome.hung = true;
      child.kill_now();
      break;
    }
    pollfd from[2] = {{child.out_.get(), POLLIN, 0}, {child.err_.get(), POLLIN, 0}};
    if (poll(from, 2, 200) <= 0) {
      if (child.wait(0)) break;  // what it started in the background (adb's server) may keep its output open
      continue;
    }
    if (from[0].revents != 0) take(child.out_, outcome.out);
    if (from[1].revents != 0) take(child.err_, outcome.err);
    last = now_seconds();
    if (how.on_line) hand_out_lines(outcome.out, how.on_line);
  }
  child.in_.reset();
  const std::optional<int> code = child.wait(kGrace);
  if (!code) child.kill_now();
  outcome.code = code ? *code : child.wait(-1).value_or(127);
  return outcome;
}

std::optional<std::string> find_program(const std::vector<std::string>& names) {
  const char* const path = std::getenv("PATH");
  for (const std::string& name : names) {
    std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      const std::string file = (folder.empty() ? "." : folder) + "/" + name;
      if (access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return std::nullopt;
}

std::filesystem::path this_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

}  // namespace octet
