// Running other programs: adb, ssh, compilers, emulators. What they say is read as it comes, and they are ended when we
// are. Of libraries, Debian has Boost.Process only, which would bring Boost to every build for what takes one file.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace octet {

/// The user wants an end: Ctrl-C, a closed terminal.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};
/// A program that cannot be started, as it is not installed.
struct NoSuchProgram : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// While it lives, SIGINT, SIGTERM and SIGHUP become Interrupted in converse(), so that what was begun elsewhere can be
/// ended.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction before_[4];
};

/// Of a program that may compute for as long as it likes.
inline constexpr double kPatient = std::numeric_limits<double>::infinity();

/// How to talk with a program.
struct Conversation {
  std::string input_file = {};  // what it reads; else `input`
  std::string_view input = {};
  double beat_seconds = 0;  // instead: a byte every so often, its input stays open until it ends
  double patience = 20;     // seconds without any output after which it is killed; its name says so in the error
  std::function<void(const std::string& line)> on_line = {};  // its lines as they come, instead of keeping them
};

struct Outcome {
  int code = 0;       // its exit code; 128 and more: a signal, as shells say it
  bool hung = false;  // and was killed
  std::string out, err;

  bool ok() const { return code == 0 && !hung; }
};

/// Runs a program, found in PATH, to its end. It is in a process group of its own, so Ctrl-C reaches it through this
/// process only, which closes its input, gives it some seconds, and kills it. Throws NoSuchProgram, Interrupted, and
/// what `on_line` throws.
Outcome converse(const std::vector<std::string>& command, const Conversation& how);

/// Where the first of `names` is that a shell would find.
std::optional<std::string> find_program(const std::vector<std::string>& names);

/// The folder of the program that runs.
std::filesystem::path this_folder();

}  // namespace octet
