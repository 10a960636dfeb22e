#include "compiler/toolchain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "system/files.h"
#include "system/hash.h"
#include "system/process.h"

namespace octet {

namespace fs = std::filesystem;

namespace {

const std::vector<Platform>& platforms() {
  static const std::vector<Target> x86 = {Target::Sse41, Target::Avx2, Target::Avx512Vnni};
  static const std::vector<Target> arm = {Target::Neon, Target::Dotprod, Target::I8mm};
  static const std::vector<Platform> all = {
      {"x86-64-linux", false, x86}, {"arm-64-linux", false, arm}, {"arm-64-android", true, arm}};
  return all;
}

/// Of runtime/steps, compiler/library and what they use: all that a compiled network runs.
constexpr const char* kPlainSources[] = {"runtime/steps/arg_max.cpp",
                                         "runtime/steps/binary.cpp",
                                         "runtime/steps/block.cpp",
                                         "runtime/steps/convolution.cpp",
                                         "runtime/steps/depthwise.cpp",
                                         "runtime/steps/gather.cpp",
                                         "runtime/steps/l2_normalization.cpp",
                                         "runtime/steps/mean.cpp",
                                         "runtime/steps/pool.cpp",
                                         "runtime/steps/team.cpp",
                                         "runtime/cpu_supports.cpp",
                                         "compiler/library/network.cpp"};
/// Loops of their own, worth vectorizing (runtime/CMakeLists.txt).
constexpr const char* kLoopSources[] = {
    "runtime/steps/convert.cpp",  "runtime/steps/lookup.cpp",        "runtime/steps/move.cpp",
    "runtime/steps/pad_copy.cpp", "runtime/steps/packed_pixels.cpp", "runtime/steps/prelu.cpp",
    "runtime/steps/resize.cpp",   "runtime/steps/softmax.cpp",       "runtime/steps/widen.cpp"};

constexpr const char* kOptions[] = {"-std=c++20",
                                    "-fPIC",
                                    "-DNDEBUG",
                                    "-ffp-contract=off",
                                    "-fno-exceptions",
                                    "-fno-rtti",
                                    "-fno-asynchronous-unwind-tables",
                                    "-fno-threadsafe-statics",
                                    "-ffunction-sections",
                                    "-fdata-sections",
                                    "-fvisibility=hidden"};

bool is_program(const std::string& command) {
  try {
    return converse({command, "--version"}, {}).ok();
  } catch (const NoSuchProgram&) {
    return false;
  }
}

/// Android's NDK has a compiler for each version of the system; 28 is Android 9.
std::string ndk_compiler() {
  const char* const ndk = std::getenv("ANDROID_NDK");
  if (ndk == nullptr) return "";
  std::error_code ignored;
  for (const fs::path& host : fs::directory_iterator(fs::path(ndk) / "toolchains/llvm/prebuilt", ignored)) {
    const fs::path compiler = host / "bin/aarch64-linux-android28-clang++";
    if (fs::exists(compiler, ignored)) return compiler.string();
  }
  return "";
}

std::string usual_compiler(const Platform& platform) {
  if (platform.android) return ndk_compiler();
  if (platform.name == host_platform()) {
    const char* const cxx = std::getenv("CXX");
    return cxx != nullptr && *cxx != 0 ? cxx : "c++";
  }
  return platform.name == "arm-64-linux" ? "aarch64-linux-gnu-g++" : "x86_64-linux-gnu-g++";
}

}  // namespace

Platform parse_platform(const std::string& name) {
  for (const Platform& platform : platforms()) {
    if (platform.name == name) return platform;
  }
  throw ModelError(fmt::format("--target {}: unknown (there are {})", name, fmt::join(platform_names(), ", ")));
}

std::vector<std::string> platform_names() {
  std::vector<std::string> names;
  for (const Platform& platform : platforms()) names.push_back(platform.name);
  return names;
}

std::string host_platform() {
#if defined(__aarch64__) && defined(__ANDROID__)
  return "arm-64-android";
#elif defined(__aarch64__)
  return "arm-64-linux";
#else
  return "x86-64-linux";
#endif
}

std::vector<Target> parse_features(const Platform& platform, const std::vector<std::string>& names) {
  if (names.size() == 1 && names[0] == "auto") return platform.targets;
  std::vector<std::string> known;
  for (const Target target : platform.targets) known.emplace_back(name_of(target));
  for (const std::string& name : names) {
    if (std::ranges::count(known, name) == 0)
      throw ModelError(fmt::format("--features {}: unknown for {} (there are auto, {})", name, platform.name,
                                   fmt::join(known, ", ")));
  }
  std::vector<Target> chosen;
  for (const Target target : platform.targets) {
    if (std::ranges::count(names, name_of(target)) > 0) chosen.push_back(target);
  }
  return chosen;
}

Parts find_parts() {
  const fs::path here = this_folder(), share = here.parent_path() / "share/octet";
  const auto existing = [](const fs::path& path) {
    if (!fs::exists(path)) throw std::runtime_error(path.string() + ": not found; Octet is not wholly installed");
    return path;
  };
  existing(share / "compiler/library/network.h");
  return {existing(here / "octet-kernels"), share};
}

fs::path default_cache() {
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0)
    return fs::path(cache) / "octet";
  const char* const home = std::getenv("HOME");
  return (home == nullptr ? fs::temp_directory_path() : fs::path(home) / ".cache") / "octet";
}

std::string run_tool(const std::vector<std::string>& command) {
  const Outcome outcome = converse(command, {.patience = 600});
  if (outcome.ok()) return outcome.out;
  // Of many lines, the first that speaks of an error.
  const std::string& text = outcome.err.empty() ? outcome.out : outcome.err;
  size_t at = text.find("error");
  if (at == std::string::npos) at = 0;
  const size_t begin = text.rfind('\n', at) + 1;
  throw std::runtime_error(
      fmt::format("{} failed: {}", command[0],
                  outcome.hung ? "no end after ten minutes" : text.substr(begin, text.find('\n', at) - begin)));
}

Toolchain::Toolchain(const Platform& platform, const std::string& cxx)
    : cxx_(cxx.empty() ? usual_compiler(platform) : cxx) {
  if (cxx_.empty())
    throw ModelError(platform.name + ": needs the Android NDK's compiler: set ANDROID_NDK to its folder, or --cxx");
  if (!is_program(cxx_))
    throw ModelError(
        fmt::format("{}: needs a C++ compiler for it, and '{}' is not installed{}: say --cxx COMPILER", platform.name,
                    cxx_, platform.name == "arm-64-linux" && cxx.empty() ? " (Debian: g++-aarch64-linux-gnu)" : ""));
}

std::string Toolchain::tool(const std::string& name) const {
  for (const std::string& candidate : {name, "llvm-" + name}) {
    std::string found = run_tool({cxx_, "-print-prog-name=" + candidate});
    found.erase(found.find_last_not_of("\n") + 1);
    if (is_program(found)) return found;
  }
  throw std::runtime_error(fmt::format("{} belongs to no {}, which is needed as well", cxx_, name));
}

void Toolchain::compile(const fs::path& source, const fs::path& object, const Parts& parts,
                        const std::vector<std::string>& options) const {
  std::vector<std::string> command = {cxx_};
  command.insert(command.end(), std::begin(kOptions), std::end(kOptions));
  command.insert(command.end(), options.begin(), options.end());
  for (const std::string& word :
       {"-I" + parts.sources.string(), std::string("-c"), source.string(), std::string("-o"), object.string()})
    command.push_back(word);
  run_tool(command);
}

void Toolchain::archive(const std::vector<fs::path>& objects, const fs::path& library) const {
  std::vector<std::string> command = {tool("ar"), "rcsD", library.string()};
  for (const fs::path& object : objects) command.push_back(object.string());
  fs::remove(library);
  run_tool(command);
}

void Toolchain::join(const std::vector<fs::path>& inputs, const std::vector<std::string>& globals,
                     const fs::path& object) const {
  const fs::path whole = object.string() + ".joined";
  std::vector<std::string> command = {cxx_, "-r", "-nostdlib", "-o", whole.string()};
  for (const fs::path& input : inputs) command.push_back(input.string());
  run_tool(command);
  // Networks linked into one program share nothing, whichever versions they are of: not even groups, of which the
  // linker would keep the first.
  command = {tool("objcopy"), "--remove-section=.group", "--strip-debug"};
  for (const std::string& global : globals) command.push_back("--keep-global-symbol=" + global);
  command.push_back(whole.string());
  command.push_back(object.string());
  run_tool(command);
  fs::remove(whole);
}

void Toolchain::link_shared(const fs::path& library, const fs::path& shared) const {
  run_tool({cxx_, "-shared", "-o", shared.string(), "-Wl,--whole-archive", library.string(), "-Wl,--no-whole-archive",
            "-pthread"});
}

std::pair<int64_t, int64_t> Toolchain::sizes(const fs::path& library) const {
  std::istringstream lines(run_tool({tool("size"), library.string()}));
  std::string heading;
  std::getline(lines, heading);
  int64_t text = 0, data = 0, bss = 0;
  lines >> text >> data >> bss;
  return {text, data + bss};
}

std::string Toolchain::version() const { return run_tool({cxx_, "--version"}) + run_tool({cxx_, "-dumpmachine"}); }

fs::path runtime_archive(const Toolchain& toolchain, const Parts& parts, const fs::path& cache) {
  struct Source {
    const char* path;
    const char* optimization;
  };
  std::vector<Source> sources;
  for (const char* const path : kPlainSources) sources.push_back({path, "-O2"});
  for (const char* const path : kLoopSources) sources.push_back({path, "-O3"});
  std::string all = toolchain.cxx() + toolchain.version();
  for (const char* const option : kOptions) all += option;
  for (const char* const folder : {"runtime/steps", "runtime", "compiler/library", "schedules", "models"}) {
    std::vector<fs::path> files;
    for (const fs::path& file : fs::directory_iterator(parts.sources / folder)) {
      const bool ours = file.extension() == ".h" ||
                        std::ranges::any_of(sources, [&](const Source& s) { return file == parts.sources / s.path; });
      if (ours) files.push_back(file);
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) all += hash_of(read_bytes(file));
  }
  const std::string key = hash_of(all);
  const fs::path archive = cache / "runtime" / (key + ".a");
  if (fs::exists(archive)) return archive;

  const fs::path folder = cache / "runtime" / fmt::format("{}.{}", key, getpid());
  fs::create_directories(folder);
  std::vector<fs::path> objects;
  for (const Source& source : sources) {
    objects.push_back(folder / (fs::path(source.path).stem().string() + ".o"));
    toolchain.compile(parts.sources / source.path, objects.back(), parts, {source.optimization});
  }
  toolchain.archive(objects, folder / "runtime.a");
  fs::rename(folder / "runtime.a", archive);
  fs::remove_all(folder);
  return archive;
}

}  // namespace octet
