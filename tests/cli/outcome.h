// Running the program as a shell does.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace octet {

struct Outcome {
  int code;
  std::string out, err;
};

inline std::string contents_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A shell's command in a folder, with nothing to read. `scratch`: what it says lies in scratch.out and scratch.err
/// meanwhile. No path may have a quote.
inline Outcome run_in(const std::filesystem::path& folder, const std::string& command, const std::string& scratch) {
  const std::filesystem::path out = scratch + ".out", err = scratch + ".err";
  const std::string line =
      "cd '" + folder.string() + "' && " + command + " > '" + out.string() + "' 2> '" + err.string() + "' < /dev/null";
  const int status = std::system(line.c_str());
  const Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -status, contents_of(out), contents_of(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return outcome;
}

}  // namespace octet
