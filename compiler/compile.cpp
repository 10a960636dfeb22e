#include "compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "compiler/compiled_network.h"
#include "compiler/kernel_cache.h"
#include "compiler/layer_tiles.h"
#include "compiler/record.h"
#include "compiler/write_source.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/temporary_folder.h"

namespace octet {

namespace fs = std::filesystem;

namespace {

/// Whether waking other threads would take longer than the step itself, which is some microseconds.
bool runs_alone(const Step& step, const Plan& plan) {
  // Multiplications in a microsecond, roughly.
  const int64_t speed = plan.target() == Target::Avx512Vnni ? 100000 : is_arm(plan.target()) ? 15000 : 40000;
  int64_t bytes = 0;
  for (const int32_t tensor : step.writes) {
    if (tensor >= 0) bytes += plan.tensor_bytes(tensor);
  }
  return step.macs <= 2 * speed && bytes <= 4096;
}

struct Planned {
  PlannedVariant variant;
  std::vector<KernelRequest> requests;  // of its kernels
};

Planned plan_for(const Model& model, Target target, const CompileOptions& options, const KernelCache& cache) {
  Planned planned;
  PlannedVariant& variant = planned.variant;
  variant.plan = plan_to_compile(model, target, options);
  for (const Step& step : variant.plan->steps()) variant.alone.push_back(runs_alone(step, *variant.plan));
  const std::vector<std::vector<KnownArgument>> known = record_arguments(*variant.plan, variant.alone);
  for (size_t i = 0; i < known.size(); i++) {
    KernelRequest request{"", *variant.plan->kernels()[i].info, known[i]};
    request.symbol = cache.symbol_of(request);
    variant.symbols.push_back(request.symbol);
    planned.requests.push_back(std::move(request));
  }
  return planned;
}

std::string contents_of(const fs::path& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The kernels of a variant, each once. `requests`: of its plan's kernels.
PageVariant page_variant(const PlannedVariant& variant, std::span<const KernelRequest> requests,
                         std::span<const fs::path> objects) {
  PageVariant result{.plan = variant.plan, .kernels = {}, .seconds = {}};
  std::map<std::string, size_t> known;
  for (size_t step = 0; step < variant.plan->steps().size(); step++) {
    const Range kernels = variant.plan->steps()[step].kernels;
    std::set<size_t> called;
    for (auto i = static_cast<size_t>(kernels.begin); i < static_cast<size_t>(kernels.end); i++) {
      const auto [at, is_new] = known.try_emplace(requests[i].symbol, result.kernels.size());
      if (is_new) {
        fs::path listing = objects[i];
        const std::string loops = contents_of(listing.replace_extension(".stmt"));
        result.kernels.push_back({requests[i], {}, {}, loops, contents_of(listing.replace_extension(".s"))});
      }
      PageKernel& kernel = result.kernels[at->second];
      if (called.empty())
        kernel.steps.push_back(step);
      else if (!called.contains(at->second))
        kernel.with_others.push_back(step);
      called.insert(at->second);
    }
  }
  return result;
}

/// Least times of a compiled network's layers on one thread of this machine.
std::vector<double> time_layers(const CompiledNetwork& network, const Plan& plan) {
  const CompiledNetwork::Instance net(network, std::string(name_of(plan.target())), 1);
  for (size_t i = 0; i < plan.inputs().size(); i++) {
    std::byte* const input = net.input(static_cast<int>(i));
    if (size_of(plan.inputs()[i].type) != 1) continue;  // of others, zeros are always right
    for (size_t k = 0; k < plan.inputs()[i].bytes; k++) input[k] = static_cast<std::byte>(k * 2654435761u >> 24);
  }
  struct Times {
    std::vector<double> least;
    double last = 0;
  } times{std::vector<double>(plan.steps().size(), 1e9), 0};
  const auto after = [](void* context, int layer) {
    auto& t = *static_cast<Times*>(context);
    double& least = t.least[static_cast<size_t>(layer)];
    least = std::min(least, now_seconds() - t.last);
    t.last = now_seconds();
  };
  const double start = now_seconds();
  for (int runs = 0; runs < 10 || (runs < 1000 && now_seconds() - start < 1); runs++) {
    times.last = now_seconds();
    net.run(after, &times);
  }
  return times.least;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string identifier_of(const std::string& name) {
  std::string identifier;
  for (const char c : name) identifier += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (identifier.empty() || std::isdigit(static_cast<unsigned char>(identifier[0])) != 0) identifier.insert(0, "net_");
  return identifier;
}

void check_identifier(const std::string& name) {
  // Of C and C++; what their compilers define, and the library.
  static constexpr std::string_view kTaken =
      " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t "
      "char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
      "constinit continue decltype default delete do double dynamic_cast else enum explicit export extern "
      "false float for friend goto if inline int linux long main mutable namespace new noexcept not not_eq "
      "nullptr octet operator or or_eq private protected public register reinterpret_cast requires restrict "
      "return short signed sizeof static static_assert static_cast std struct switch template this "
      "thread_local throw true try typedef typeid typename union unix unsigned using virtual void volatile "
      "wchar_t while xor xor_eq ";
  const bool is_taken = kTaken.find(" " + name + " ") != std::string_view::npos;
  if (identifier_of(name) != name || is_taken)
    throw ModelError(fmt::format("--name {}: must be a name that C and C++ take, such as {}", name,
                                 is_taken ? name + "_net" : identifier_of(name)));
}

std::shared_ptr<const Plan> plan_to_compile(const Model& model, Target target, const CompileOptions& options) {
  PlanOptions plan_options;
  plan_options.target = target;
  plan_options.passes_off = options.passes_off;
  plan_options.fuse_blocks_bytes = options.fuse_blocks_bytes;
  plan_options.compiles_kernels = true;
  plan_options.more_kernels = layer_tiles(target);
  return Plan::make(model, plan_options);
}

CompileReport compile(const Model& model, const CompileOptions& options) {
  check_identifier(options.name);
  if (options.profile && options.platform.name != host_platform())
    throw ModelError("--profile: measures on this machine, which is " + host_platform() + ", not " +
                     options.platform.name);
  const Toolchain toolchain(options.platform, options.cxx);
  Outputs outputs;
  outputs.reserve_folder(options.folder);
  const Parts parts = find_parts();
  const KernelCache cache(options.cache / "kernels", parts.kernel_compiler, options.platform.android);

  CompileReport report;
  std::vector<PlannedVariant> variants;
  std::vector<KernelRequest> requests;
  for (const Target target : options.targets) {
    Planned planned = plan_for(model, target, options, cache);
    const Plan& plan = *planned.variant.plan;
    std::set<std::string> different(planned.variant.symbols.begin(), planned.variant.symbols.end());
    report.targets.push_back({target, planned.requests.size(), different.size(), plan.packed_weight_bytes(),
                              static_cast<int64_t>(plan.constants().size()), plan.layer_blocks(),
                              plan.memory().arena_bytes, plan.arena_bytes_apart()});
    report.file_weight_bytes = plan.file_weight_bytes();
    report.arena_bytes = std::max(report.arena_bytes, plan.memory().arena_bytes);
    std::ranges::move(planned.requests, std::back_inserter(requests));
    variants.push_back(std::move(planned.variant));
  }

  const std::vector<fs::path> objects = cache.objects(
      requests, options.jobs,
      [&](size_t done, size_t of) { options.progress(fmt::format("kernels: {} of {}", done, of)); },
      options.emit.any());
  std::vector<fs::path> inputs = objects;
  std::ranges::sort(inputs);
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  options.progress("runtime");
  const fs::path runtime = runtime_archive(toolchain, parts, options.cache);

  options.progress("library");
  const TemporaryFolder work("compile", options.cache);
  std::vector<std::string> constants;
  for (const PlannedVariant& variant : variants) {
    const std::string file = fmt::format("{}.bin", name_of(variant.plan->target()));
    work.write(file, text_of(variant.plan->constants()));
    constants.push_back((work.path / file).string());
  }
  const std::string& name = options.name;
  work.write(name + ".cpp", network_source(name, variants));
  work.write(name + "_constants.s", constants_source(name, variants, constants));
  work.write(name + ".h", header(name, variants));
  work.write(name + "Config.cmake", cmake_package(name));
  toolchain.compile(work.path / (name + ".cpp"), work.path / "network.o", parts, {"-O2", "-I" + work.path.string()});
  toolchain.compile(work.path / (name + "_constants.s"), work.path / "constants.o", parts);
  inputs.insert(inputs.begin(), {work.path / "network.o", work.path / "constants.o"});
  inputs.push_back(runtime);
  toolchain.join(inputs, exported_functions(name), work.path / (name + ".o"));
  const std::string library = "lib" + name + ".a";
  toolchain.archive({work.path / (name + ".o")}, work.path / library);
  std::tie(report.text_bytes, report.data_bytes) = toolchain.sizes(work.path / library);

  std::vector<std::string> files = {library, name + ".h", name + "Config.cmake"};
  if (options.emit.any()) {
    options.progress("page");
    std::optional<CompiledNetwork> network;
    if (options.profile) network.emplace(CompiledNetwork::link(work.path, name, toolchain), name);
    std::vector<PageVariant> pages;
    size_t first = 0;
    for (const PlannedVariant& variant : variants) {
      const size_t count = variant.symbols.size();
      pages.push_back(
          page_variant(variant, std::span(requests).subspan(first, count), std::span(objects).subspan(first, count)));
      first += count;
      if (network && cpu_supports(variant.plan->target())) pages.back().seconds = time_layers(*network, *variant.plan);
    }
    files.push_back(name + ".html");
    work.write(files.back(), page(name, pages, options.emit));
  }

  for (const std::string& file : files) outputs.write(options.folder / file, read_bytes(work.path / file));
  outputs.commit();
  return report;
}

}  // namespace octet
