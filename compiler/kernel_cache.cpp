#include "compiler/kernel_cache.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "compiler/toolchain.h"
#include "system/files.h"
#include "system/hash.h"

namespace octet {

namespace fs = std::filesystem;

KernelCache::KernelCache(fs::path folder, fs::path kernel_compiler, bool android)
    : folder_(std::move(folder)), kernel_compiler_(std::move(kernel_compiler)), android_(android) {
  fs::create_directories(folder_);
  compiler_hash_ = hash_of(read_bytes(kernel_compiler_)).substr(0, 16);
}

std::string KernelCache::symbol_of(const KernelRequest& request) const {
  return "octet_k" + hash_of(to_text_without_symbol(request) + (android_ ? " android" : ""));
}

fs::path KernelCache::path_of(const KernelRequest& request) const {
  return folder_ / compiler_hash_ / (request.symbol + ".o");
}

bool KernelCache::has(const KernelRequest& request, bool listings) const {
  fs::path path = path_of(request);
  return fs::exists(path) &&
         (!listings || (fs::exists(path.replace_extension(".s")) && fs::exists(path.replace_extension(".stmt"))));
}

void KernelCache::compile(const KernelRequest& request, bool listings) const {
  static std::atomic<int> number = 0;
  const fs::path work = folder_ / compiler_hash_ / (std::to_string(getpid()) + "." + std::to_string(number++));
  fs::create_directories(work);
  std::ofstream(work / "request") << to_text(request) << "\n";
  std::vector<std::string> command = {kernel_compiler_.string()};
  if (android_) command.emplace_back("--android");
  if (listings) command.emplace_back("--listings");
  for (const std::string& word : {std::string("--requests"), (work / "request").string(), work.string()})
    command.push_back(word);
  try {
    run_tool(command);
    for (const char* const extension : {".s", ".stmt", ".o"}) {
      fs::path to = path_of(request);
      if (listings || fs::path(extension) == to.extension())
        fs::rename(work / (request.symbol + extension), to.replace_extension(extension));
    }
  } catch (...) {
    fs::remove_all(work);
    throw;
  }
  fs::remove_all(work);
}

std::vector<fs::path> KernelCache::objects(const std::vector<KernelRequest>& requests, int jobs,
                                           const std::function<void(size_t, size_t)>& progress, bool listings) const {
  std::vector<fs::path> paths;
  std::vector<const KernelRequest*> missing;
  std::set<fs::path> seen;
  for (const KernelRequest& request : requests) {
    paths.push_back(path_of(request));
    if (!has(request, listings) && seen.insert(paths.back()).second) missing.push_back(&request);
  }
  if (missing.empty()) return paths;
  progress(0, missing.size());
  std::mutex mutex;
  std::exception_ptr failure;
  size_t next = 0, done = 0;
  const auto work = [&] {
    for (;;) {
      const KernelRequest* request = nullptr;
      {
        const std::lock_guard lock(mutex);
        if (failure || next == missing.size()) return;
        request = missing[next++];
      }
      try {
        compile(*request, listings);
        const std::lock_guard lock(mutex);
        progress(++done, missing.size());
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::min<int>(jobs, static_cast<int>(missing.size())); i++) threads.emplace_back(work);
  threads.clear();
  if (failure) std::rethrow_exception(failure);
  return paths;
}

}  // namespace octet
