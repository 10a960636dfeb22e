// Other programs, run to their end.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace octet::emulated {

struct Finished {
  int code;  // exit code; 128 + the signal's number where one ended it
  std::string out, err;
};

/// Runs `command` (found as a shell would), with `in` as its standard input. Throws std::runtime_error where it cannot
/// be started.
Finished run_process(const std::vector<std::string>& command, std::string_view in = {});

/// The folder of the program that runs.
std::filesystem::path this_folder();

/// A folder of its own among the temporary ones, gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Where the first of `names` is that a shell would find.
std::optional<std::string> find_program(const std::vector<std::string>& names);

}  // namespace octet::emulated
