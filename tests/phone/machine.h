// A machine within this one: its own network, of which only loopback exists, and its own mounts.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace octet::phone {

/// Moves this process into one, once. Returns why that cannot be; "" where it is done.
std::string enter_private_machine();

/// Of the user outside: within, everybody is root.
bool began_as_root();

/// A file system of so many KiB over a folder, until the process ends; `read_only`: nothing can be written to it.
void mount_small(const std::filesystem::path& folder, int kib, bool read_only);

/// A program in the background. It gets SIGKILL when this object goes, or this process.
class Background {
 public:
  /// Its outputs go to `log`.
  Background(const std::vector<std::string>& command, const std::filesystem::path& log);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void signal(int number) const;
  /// Its exit code; -1 where it does not end within `seconds`.
  int wait(double seconds);
  /// SIGKILL, to it and to those of its descendants whose name is `name`.
  void kill_with_descendants(const std::string& name);

 private:
  pid_t pid_;
  bool ended_ = false;
};

bool is_installed(const std::string& program);

/// Processes whose command line has `text` in it, besides this one.
std::vector<pid_t> processes_with(const std::string& text);

/// Whether `condition` comes true within `seconds`.
template <typename Condition>
bool comes_true(double seconds, const Condition& condition);

void sleep_ms(int ms);

template <typename Condition>
bool comes_true(double seconds, const Condition& condition) {
  for (double waited = 0; waited < seconds; waited += 0.05) {
    if (condition()) return true;
    sleep_ms(50);
  }
  return condition();
}

}  // namespace octet::phone
