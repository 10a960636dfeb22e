// Where tests compile to, and how.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "compiler/compile.h"

namespace octet {

/// Kernels that tests compile are kept for the next run, unless the tests' temporary folder is emptied.
inline std::filesystem::path test_folder() { return std::filesystem::temp_directory_path() / "octet-compiler-test"; }

/// All networks and operators instead of a few: takes an hour.
inline bool all_wanted() { return std::getenv("OCTET_COMPILE_ALL") != nullptr; }

inline CompileOptions options_for(const std::string& name, const Platform& platform,
                                  const std::vector<Target>& targets) {
  CompileOptions options;
  options.folder = test_folder() / name;
  options.name = name;
  options.platform = platform;
  options.targets = targets;
  options.cache = test_folder() / "cache";
  options.jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return options;
}

}  // namespace octet
