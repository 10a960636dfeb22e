// Objects of kernels, each compiled once for all networks, and kept.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "schedules/request.h"

namespace octet {

class KernelCache {
 public:
  /// `folder` is made where it is not there.
  KernelCache(std::filesystem::path folder, std::filesystem::path kernel_compiler, bool android);

  /// What a kernel's function is called: by what its code depends on.
  std::string symbol_of(const KernelRequest& request) const;
  /// An object for each request, which may repeat. Those that are not there are compiled, `jobs` at a time; `progress`
  /// is told how many of them are done. Throws std::runtime_error, Interrupted.
  /// With `listings`, <object's name>.s and .stmt are there as well: assembly, and the loops that Halide made.
  std::vector<std::filesystem::path> objects(const std::vector<KernelRequest>& requests, int jobs,
                                             const std::function<void(size_t done, size_t of)>& progress,
                                             bool listings = false) const;

 private:
  std::filesystem::path path_of(const KernelRequest& request) const;
  bool has(const KernelRequest& request, bool listings) const;
  void compile(const KernelRequest& request, bool listings) const;

  std::filesystem::path folder_, kernel_compiler_;
  bool android_;
  std::string compiler_hash_;
};

}  // namespace octet
