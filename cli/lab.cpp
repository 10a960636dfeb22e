// octet lab: one layer's kernel compiled anew with other numbers in its schedule, beside the present one.
#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <fstream>
#include <future>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/machine.h"
#include "cli/measure.h"
#include "cli/scalar_check.h"
#include "cli/stats.h"
#include "cli/table.h"
#include "compiler/toolchain.h"
#include "runtime/session.h"
#include "schedules/assembly.h"
#include "schedules/request.h"
#include "schedules/tuning.h"
#include "system/files.h"
#include "system/temporary_folder.h"

namespace octet::cli {
namespace {

namespace fs = std::filesystem;

struct LabOptions {
  std::string model;
  size_t layer = 0;
  std::vector<std::string> changes;  // "pixels=6"
  double seconds = 1;
  int threads = 1;
  PrepareOptions prepare;
};

struct Change {
  int8_t Schedule::*field;
  int8_t value;
};

/// "pixels=6" and so on, each of a parameter that all kernels of the layer have, of a value that it may have.
std::vector<Change> parse_changes(const std::vector<std::string>& words, const KernelInfo& kernel) {
  std::vector<Change> changes;
  for (const std::string& word : words) {
    const size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals), value = word.substr(std::min(equals + 1, word.size()));
    const std::vector<Parameter> parameters = parameters_of(kernel);
    const auto parameter = std::ranges::find(parameters, name, &Parameter::name);
    if (parameter == parameters.end())
      throw ModelError(
          fmt::format("--set {}: {} has no parameter '{}'; it has {}", word, kernel.name, name, to_text(parameters)));
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !parameter->allows(number))
      throw ModelError(fmt::format("--set {}: {} of {} may be {}", word, name, kernel.name, values_of(*parameter)));
    changes.push_back({parameter->field, static_cast<int8_t>(number)});
  }
  return changes;
}

/// Kernels of the step that have numbers to change, each once.
std::vector<Kernel> tunable_kernels(const Plan& plan, const Step& step) {
  std::vector<Kernel> kernels;
  for (int64_t i = step.kernels.begin; i < step.kernels.end; ++i) {
    const Kernel& kernel = plan.kernels()[static_cast<size_t>(i)];
    const bool known = std::ranges::count(kernels, kernel.info, &Kernel::info) > 0;
    if (!known && !parameters_of(*kernel.info).empty()) kernels.push_back(kernel);
  }
  return kernels;
}

/// Kernels as they were compiled just now.
class CompiledKernel {
 public:
  /// Takes half a second to some seconds. Throws std::runtime_error with what the compiler says.
  CompiledKernel(const KernelInfo& info, const fs::path& folder) : info_(info) {
    const std::string symbol = "octet_lab_" + std::string(info.name);
    const fs::path request = folder / (symbol + ".request"), path = folder / symbol;
    std::ofstream(request) << to_text(KernelRequest{symbol, info, {}}) << "\n";
    run_tool({find_parts().kernel_compiler.string(), "--listings", "--requests", request.string(), folder.string()});
    const std::vector<std::byte> text = read_bytes(path.string() + ".s");
    assembly_ = parse_assembly({reinterpret_cast<const char*>(text.data()), text.size()}, info.target);
    const std::string library = path.string() + ".so";
    run_tool({"ld", "-shared", "-z", "noexecstack", "-o", library, path.string() + ".o"});
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    function_ = reinterpret_cast<KernelFunction>(dlsym(handle_, (symbol + "_argv").c_str()));
    if (function_ == nullptr) throw std::runtime_error(dlerror());
  }
  ~CompiledKernel() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  CompiledKernel(const CompiledKernel&) = delete;
  CompiledKernel& operator=(const CompiledKernel&) = delete;

  Kernel kernel() const { return {&info_, function_}; }
  LoopCounts loop() const { return counts_of(hot_loop(assembly_, info_), info_); }

 private:
  const KernelInfo& info_;
  std::vector<AssemblyLine> assembly_;
  void* handle_ = nullptr;
  KernelFunction function_ = nullptr;
};
using CompiledKernels = std::vector<std::unique_ptr<CompiledKernel>>;

/// All at once.
std::future<CompiledKernels> start_compiling(const std::vector<const KernelInfo*>& infos, const fs::path& folder) {
  return std::async(std::launch::async, [infos, folder] {
    std::vector<std::future<std::unique_ptr<CompiledKernel>>> started;
    for (const KernelInfo* const info : infos)
      started.push_back(
          std::async(std::launch::async, [info, folder] { return std::make_unique<CompiledKernel>(*info, folder); }));
    CompiledKernels kernels;
    for (auto& one : started) kernels.push_back(one.get());
    return kernels;
  });
}

/// What the layer wrote in this run, without what lies between rows.
std::vector<std::byte> written_by(const Session& session, const Step& step) {
  const std::byte* const from = session.stored(step.writes.at(0));
  if (const auto* conv = std::get_if<ConvolutionStep>(&step.work)) {
    std::vector<std::byte> bytes;
    for (int64_t p = 0; p < conv->pixels; ++p) {
      const std::byte* const pixel = from + conv->rows.at(p);
      bytes.insert(bytes.end(), pixel, pixel + conv->channels);
    }
    return bytes;
  }
  const auto& depthwise = std::get<DepthwiseStep>(step.work);
  return {from, from + depthwise.batch * depthwise.out_h * depthwise.out_w * depthwise.out_c};
}

std::vector<std::byte> output_of_layer(Session& session, size_t layer) {
  std::vector<std::byte> bytes;
  session.run([&](size_t step) {
    if (step == layer) bytes = written_by(session, session.plan().steps()[layer]);
  });
  return bytes;
}

double seconds_of_layer(Session& session, size_t layer) {
  double begin = now_seconds(), end = begin;
  session.run([&](size_t step) {
    if (step + 1 == layer) begin = now_seconds();
    if (step == layer) end = now_seconds();
  });
  return end - begin;
}

/// Whole runs of each in turns, so that the layer meets the caches as its network leaves them.
std::vector<std::vector<double>> time_in_turns(const std::vector<Session*>& sessions, size_t layer, double seconds) {
  std::vector<std::vector<double>> samples(sessions.size());
  const double start = now_seconds();
  while (samples[0].size() < kMinRuns || (now_seconds() - start < seconds && samples[0].size() < kMaxRuns)) {
    for (size_t i = 0; i < sessions.size(); ++i) samples[i].push_back(seconds_of_layer(*sessions[i], layer));
  }
  return samples;
}

/// A layer and what is to be changed in it.
class Lab {
 public:
  explicit Lab(const LabOptions& options) : options_(options), start_(now_seconds()), before_(allowed_cpus()) {
    model_ = load_model(options.model, options.prepare);
    present_ = prepare(model_, options.model, options.prepare);
    const size_t count = present_->steps().size();
    if (options.layer >= count)
      throw ModelError(fmt::format("{}: --layer {}: there are 0 to {} (octet bench --layers shows them)", options.model,
                                   options.layer, count - 1));
    present_kernels_ = tunable_kernels(*present_, step());
    if (present_kernels_.empty())
      throw ModelError(fmt::format("{}: layer {} ({}) takes {}, whose schedule has no numbers to change", options.model,
                                   options.layer, short_layer(step().layer), step().kernel));
    const std::vector<Change> changes = parse_changes(options.changes, *present_kernels_[0].info);
    if (changes.empty()) return;
    for (const Kernel& kernel : present_kernels_) {
      changed_.push_back(*kernel.info);
      for (const Change& change : changes) changed_.back().schedule.*change.field = change.value;
      names_.push_back(name_for(changed_.back()));
      changed_.back().name = names_.back();
    }
    const std::string trouble = trouble_with_changed();
    if (!trouble.empty()) throw ModelError(fmt::format("--set {}: {}", fmt::join(options.changes, ","), trouble));
  }

  void run() {
    std::vector<const KernelInfo*> infos;
    for (const Kernel& kernel : present_kernels_) infos.push_back(kernel.info);
    for (const KernelInfo& info : changed_) infos.push_back(&info);
    std::future<CompiledKernels> compiling = start_compiling(infos, folder_.path);
    const std::string scalar = check_present();
    compiled_ = compiling.get();
    std::vector<std::shared_ptr<const Plan>> plans = {present_};
    if (!changed_.empty()) {
      // The present kernels too as they were compiled just now: the network's own are in the caches already where
      // layers before take them.
      const std::span<const std::unique_ptr<CompiledKernel>> all = compiled_;
      plans = {plan_with(all.first(present_kernels_.size())), plan_with(all.subspan(present_kernels_.size()))};
    }
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<Session*> pointers;
    pin_to(preferred_cpus(static_cast<size_t>(options_.threads)));
    for (const auto& plan : plans) {
      sessions.push_back(std::make_unique<Session>(plan, options_.threads));
      pointers.push_back(sessions.back().get());
      fill_inputs(*pointers.back());
    }
    if (!changed_.empty()) compare(output_of_layer(*pointers[0], layer()), output_of_layer(*pointers[1], layer()));
    const auto samples = time_in_turns(pointers, layer(), options_.seconds);
    pin_to(before_);
    report(samples, scalar);
  }

 private:
  size_t layer() const { return options_.layer; }
  const Step& step() const { return present_->steps()[layer()]; }

  std::string trouble_with_changed() const {
    const auto* conv = std::get_if<ConvolutionStep>(&step().work);
    const ConvolutionTile tile = tile_of(changed_[0]);
    if (conv != nullptr && conv->rows.apart() && !tile.any_pixels && conv->rows.width % tile.pixels != 0)
      return fmt::format(
          "the layer writes rows of {0} pixels with room between them, so pixels must divide {0} (else add "
          "--no-pass pad_in_place)",
          conv->rows.width);
    return trouble_with(changed_[0]);
  }

  /// What the scalar reference says of the present kernel, in words. Throws where it says otherwise.
  std::string check_present() const {
    const auto plan = prepare(model_, options_.model, options_.prepare, /*keep_all=*/true);
    Session session(plan, options_.threads);
    fill_inputs(session);
    session.run();
    bool told = false;
    const std::string difference = differs_from_scalar(model_, session, layer(), told);
    if (told && !difference.empty())
      throw std::runtime_error(
          fmt::format("layer {}: {} is wrong: {} by the scalar reference", layer(), step().kernel, difference));
    return told ? "the scalar reference's" : fmt::format("(the scalar reference was not asked: {})", difference);
  }

  /// The network whose layer has these kernels to take.
  std::shared_ptr<const Plan> plan_with(std::span<const std::unique_ptr<CompiledKernel>> compiled) const {
    const KernelChoice choice = [&](size_t index, Family family) {
      if (index != layer()) return find_kernels(family, present_->target());
      std::vector<Kernel> kernels;
      for (const auto& kernel : compiled) kernels.push_back(kernel->kernel());
      // As the manifest has them: of equal tiles the first is taken, and for the channels that it is not exact for, the
      // other.
      std::stable_partition(kernels.begin(), kernels.end(), [](const Kernel& k) { return rescales_in_float(*k.info); });
      return kernels;
    };
    auto plan = prepare(model_, options_.model, options_.prepare, /*keep_all=*/false, choice);
    const std::vector<Kernel> taken = tunable_kernels(*plan, plan->steps()[layer()]);
    if (taken.empty())
      throw ModelError(fmt::format("layer {} ({}) cannot take {}: its columns do not lie side by side", layer(),
                                   short_layer(step().layer), compiled[0]->kernel().info->name));
    return plan;
  }

  void compare(const std::vector<std::byte>& present, const std::vector<std::byte>& changed) const {
    if (present == changed) return;
    const auto first = std::ranges::mismatch(present, changed).in1 - present.begin();
    int64_t count = 0;
    for (size_t i = 0; i < present.size(); ++i) count += present[i] != changed[i];
    throw std::runtime_error(fmt::format("layer {}: {} of {} bytes by {} differ from {}'s, the first is number {}",
                                         layer(), count, present.size(), changed_[0].name, step().kernel, first));
  }

  void report(const std::vector<std::vector<double>>& samples, const std::string& scalar) const {
    fmt::print("{}, layer {}: {}; {}, {} thread{}\n\n", printable(model_.name), layer(), short_layer(step().layer),
               name_of(present_->target()), options_.threads, options_.threads == 1 ? "" : "s");
    Table table;
    table.column("kernel", Table::Align::Left);
    table.column("schedule", Table::Align::Left);
    for (const char* heading : {"min us", "median us", "GMAC/s", "loop", "multiplies", "spills"}) table.column(heading);
    const size_t kernels = present_kernels_.size();
    for (size_t i = 0; i < compiled_.size(); ++i) {
      const KernelInfo& info = *compiled_[i]->kernel().info;
      const LoopCounts loop = compiled_[i]->loop();
      std::vector<std::string> row = {std::string(info.name), to_text(info, parameters_of(info))};
      if (i % kernels == 0) {
        const Summary time = summarize(samples[i / kernels]);
        row.insert(row.end(), {in_digits(time.min * 1e6), in_digits(time.median * 1e6),
                               in_digits(static_cast<double>(step().macs) / time.min * 1e-9)});
      } else {
        row.insert(row.end(), {"", "", ""});  // further kernels of the same layer
      }
      row.insert(row.end(),
                 {std::to_string(loop.instructions), std::to_string(loop.multiplies), std::to_string(loop.spills)});
      table.row(row);
    }
    fmt::print("{}loop: instructions of the hot loop, multiply-accumulates among them, to the stack and back\n\n",
               table.text());
    if (changed_.empty())
      fmt::print("bytes equal {}\nto change: --set {}\n", scalar, to_text(parameters_of(*present_kernels_[0].info)));
    else
      report_changed(samples, scalar);
    fmt::print("{:.1f} s\n", now_seconds() - start_);
  }

  void report_changed(const std::vector<std::vector<double>>& samples, const std::string& scalar) const {
    fmt::print("bytes equal the present kernel's and {}\n", scalar);
    const double ratio = summarize(samples[0]).median / summarize(samples[1]).median;
    const double p = mann_whitney(samples[0], samples[1]).p;
    fmt::print("{:.3f} times as fast (medians of {} runs in turns; {})\n", ratio, samples[0].size(),
               p < 0.01 ? fmt::format("p = {:.1g}", p) : "no difference beyond noise");
    for (const KernelInfo& info : changed_) {
      const auto* const same = find_same(info);
      if (same != nullptr)
        fmt::print("schedules/manifest.h has it as {}\n", same->name);
      else
        fmt::print("to keep it, add to schedules/manifest.h:\n    {}\n", manifest_line(info));
    }
  }

  const LabOptions& options_;
  const double start_;
  const std::vector<int> before_;
  Model model_;
  std::shared_ptr<const Plan> present_;
  std::vector<Kernel> present_kernels_;
  std::deque<KernelInfo> changed_;  // of present_kernels_, in that order
  std::deque<std::string> names_;
  TemporaryFolder folder_;
  CompiledKernels compiled_;  // the present ones, for their assembly, then the changed ones
};

void lab(const LabOptions& options) { Lab(options).run(); }

}  // namespace

void add_lab(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "lab",
      "Compile one layer's kernel anew with other numbers in its schedule; check and time it beside the present one",
      lab);
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command->add_option("--layer", options->layer, "The layer, as octet bench --layers numbers them")
      ->required()
      ->check(CLI::Range(0, 1000000));
  command
      ->add_option("--set", options->changes,
                   "What to change, e.g. pixels=6,vectors=2. Without: the present kernel, and what there is to change")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE,...");
  command->add_option("--min-time", options->seconds, "Seconds to measure for")
      ->check(within(0.0, 3600.0))
      ->capture_default_str();
  add_threads_option(*command, options->threads);
  add_prepare_options(*command, options->prepare);
}

}  // namespace octet::cli
