// The tools that make a library of a network: the kernel compiler, a C++ compiler for the machine that the library is
// for, and the sources of what runs there (runtime/steps, compiler/library).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/target.h"

namespace octet {

/// A machine that libraries are made for.
struct Platform {
  std::string name;  // "x86-64-linux"
  bool android = false;
  std::vector<Target> targets;  // slowest first
};
/// Throws ModelError (unknown; says which there are).
Platform parse_platform(const std::string& name);
std::vector<std::string> platform_names();
/// This machine's.
std::string host_platform();

/// Targets by names, or "auto" for all, slowest first. Throws ModelError (unknown, not of the platform).
std::vector<Target> parse_features(const Platform& platform, const std::vector<std::string>& names);

/// Where Octet's own parts lie: beside the program, and in ../share/octet from there, as it was built and installed.
struct Parts {
  std::filesystem::path kernel_compiler;
  std::filesystem::path sources;  // include root; has HalideRuntime.h too
};
/// Throws std::runtime_error (something is not there).
Parts find_parts();

/// $XDG_CACHE_HOME/octet, or ~/.cache/octet.
std::filesystem::path default_cache();

/// Runs a program to its end. Throws std::runtime_error with the last line of what it complained of.
std::string run_tool(const std::vector<std::string>& command);

class Toolchain {
 public:
  /// `cxx`: a C++ compiler's command; "" for the platform's usual one. Throws ModelError (none there; says what to do).
  Toolchain(const Platform& platform, const std::string& cxx);

  const std::string& cxx() const { return cxx_; }
  /// A position-independent object of C++ or assembly.
  void compile(const std::filesystem::path& source, const std::filesystem::path& object, const Parts& parts,
               const std::vector<std::string>& options = {}) const;
  /// An archive of objects, made anew.
  void archive(const std::vector<std::filesystem::path>& objects, const std::filesystem::path& library) const;
  /// One object of several, and of what they need of the archives, in which only `globals` can be seen.
  void join(const std::vector<std::filesystem::path>& inputs, const std::vector<std::string>& globals,
            const std::filesystem::path& object) const;
  /// A shared library of all that an archive has.
  void link_shared(const std::filesystem::path& library, const std::filesystem::path& shared) const;
  /// Bytes of code and read-only data, and of data that can be written, in a library.
  std::pair<int64_t, int64_t> sizes(const std::filesystem::path& library) const;
  /// What compilers of the same name can differ in.
  std::string version() const;

 private:
  std::string tool(const std::string& name) const;

  std::string cxx_;
};

/// The part of libraries that is the same in all, made once and kept in the cache.
std::filesystem::path runtime_archive(const Toolchain& toolchain, const Parts& parts,
                                      const std::filesystem::path& cache);

}  // namespace octet
