// octet bench: how long networks take, here or on a phone, and how that compares with the most the machine could do.
#include "cli/bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/bench_json.h"
#include "cli/bench_report.h"
#include "cli/commands.h"
#include "cli/compare.h"
#include "cli/cooldown.h"
#include "cli/device.h"
#include "cli/machine.h"
#include "cli/progress.h"
#include "cli/remote_bench.h"
#include "cli/stream.h"
#include "compiler/compile.h"
#include "runtime/peak.h"
#include "system/files.h"
#include "system/process.h"
#include "system/temporary_folder.h"

namespace octet::cli {
namespace {

/// The same network, compiled for the plan's target, layer by layer or with blocks fused.
Candidate compiled_candidate(const Model& model, const Candidate& runner, const std::string& argument,
                             const BenchOptions& options, size_t number, int64_t fuse_blocks_bytes) {
  CompileOptions compile_options;
  compile_options.name = fmt::format("bench{}", number);  // a name loads a library once
  compile_options.platform = parse_platform(host_platform());
  compile_options.targets = {runner.plan->target()};
  compile_options.passes_off = options.prepare.passes_off;
  compile_options.fuse_blocks_bytes = fuse_blocks_bytes;
  compile_options.cache = default_cache();
  compile_options.jobs = static_cast<int>(allowed_cpus().size());
  const TemporaryFolder folder("bench", default_cache());
  compile_options.folder = folder.path;
  const Interruptible interruptible;
  {
    Progress progress;
    compile_options.progress = [&](const std::string& what) { progress.show(argument + ": " + what); };
    with_argument(argument, model.name, [&] { return compile(model, compile_options); });
  }
  const std::filesystem::path shared =
      CompiledNetwork::link(folder.path, compile_options.name, Toolchain(compile_options.platform, ""));
  Candidate c = runner;
  c.plan = plan_to_compile(model, runner.plan->target(), compile_options);
  const double start = now_seconds();
  c.compiled = std::make_shared<CompiledNetwork>(shared, compile_options.name);
  c.load_seconds = now_seconds() - start;
  c.prepare_seconds = 0;
  c.name += fuse_blocks_bytes > 0 ? " compiled, fused" : " compiled";
  return c;
}

std::vector<Candidate> prepare_all(const BenchOptions& options) {
  std::vector<Candidate> candidates;
  for (const std::string& argument : options.models) {
    Candidate c;
    const double start = now_seconds();
    const Model model = load_model(argument, options.prepare);
    const double loaded = now_seconds();
    c.plan = prepare(model, argument, options.prepare);
    c.load_seconds = loaded - start;
    c.prepare_seconds = now_seconds() - loaded;
    c.name = model.name;
    candidates.push_back(c);
    if (options.compiled) candidates.push_back(compiled_candidate(model, c, argument, options, candidates.size(), 0));
    if (const int64_t bytes = parse_fuse_blocks(options.fuse_blocks); bytes > 0)
      candidates.push_back(compiled_candidate(model, c, argument, options, candidates.size(), bytes));
  }
  return candidates;
}

/// The CPUs to run `threads` threads on: those asked for; else as many as there are threads; else all.
std::vector<int> cpus_for(const BenchOptions& options, const std::string& asked, int threads,
                          const std::vector<int>& all) {
  if (!asked.empty()) {
    std::vector<int> chosen = choose_cpus(asked, clusters());
    const auto may_be_used = [&](int cpu) { return std::ranges::count(all, cpu) > 0; };
    if (std::ranges::none_of(chosen, may_be_used))
      throw ModelError(fmt::format("--cpus {}: there are {}", asked, to_cpu_list(all)));
    return chosen;
  }
  if (options.no_pin || static_cast<size_t>(threads) >= all.size()) return all;
  return preferred_cpus(static_cast<size_t>(threads));
}

/// Keeps a result's peak up to date: before its runs, after them and, in short bursts, between them. On machines that
/// others use too the clock changes within seconds.
class PeakWatch {
 public:
  PeakWatch(Peaks& peaks, const BenchOptions& options, const Result& result)
      : peaks_(peaks), result_(result), wanted_(options.wants_peak()), between_runs_(!options.effort.spares_cpu()) {}

  void measure(double seconds = kSeconds) {
    if (!wanted_) return;
    double& peak = peaks_[result_.peak_key()];
    peak = std::max(peak, measure_peak_gmacs(result_.candidate->plan->target(), result_.threads, seconds));
    last_ = now_seconds();
  }
  void after_turn() {
    if (between_runs_ && now_seconds() - last_ > kInterval) measure(kBurstSeconds);
  }

 private:
  static constexpr double kSeconds = 0.05, kBurstSeconds = 0.001, kInterval = 0.1;

  Peaks& peaks_;
  const Result& result_;
  const bool wanted_, between_runs_;
  double last_ = 0;
};

Result new_result(const BenchOptions& options, const Candidate& candidate, const std::string& asked, int threads) {
  const bool several = options.cpus.size() > 1;
  const std::string cpus = several ? "/cpus:" + asked : "";
  return {.name = fmt::format("{}{}/threads:{}", candidate.name, cpus, threads),
          .candidate = &candidate,
          .threads = threads,
          .cpus_asked = asked,
          .cpus_label = several ? asked : ""};
}

/// A candidate made ready to run.
struct Ready {
  std::unique_ptr<Session> session;
  std::unique_ptr<CompiledNetwork::Instance> instance;
  Subject subject;
  double seconds = 0;  // that it took
};

Ready make_ready(const Candidate& candidate, int threads) {
  Ready ready;
  ready.session = std::make_unique<Session>(candidate.plan, threads);
  fill_inputs(*ready.session);
  ready.subject = subject_of(*ready.session);
  if (candidate.compiled == nullptr) return ready;
  const double start = now_seconds();
  ready.instance = std::make_unique<CompiledNetwork::Instance>(*candidate.compiled, "", threads);
  ready.seconds = now_seconds() - start;
  const CompiledNetwork::Instance* const instance = ready.instance.get();
  for (size_t i = 0; i < candidate.plan->inputs().size(); ++i)
    std::ranges::copy(ready.session->input(i), instance->input(static_cast<int>(i)));
  ready.session.reset();
  ready.subject.run = [instance] { instance->run(); };
  ready.subject.run_by_layers = [instance](const std::function<void(size_t)>& after) {
    const auto call = [](void* function, int layer) {
      (*static_cast<const std::function<void(size_t)>*>(function))(static_cast<size_t>(layer));
    };
    instance->run(call, const_cast<std::function<void(size_t)>*>(&after));
  };
  return ready;
}

/// On the CPUs that the results say, to which this thread is pinned.
void measure_into(std::span<Result> results, const BenchOptions& options, Peaks& peaks, Stream& stream) {
  const Sensors sensors(results[0].cpus, clusters());
  std::vector<Ready> ready;
  std::vector<Subject> subjects;
  for (Result& r : results) {
    r.sensed_cpus = sensors.cpus();
    stream.send("begin", {{"name", r.name}, {"threads", r.threads}});
    ready.push_back(make_ready(*r.candidate, r.threads));
    subjects.push_back(ready.back().subject);
  }
  PeakWatch peak(peaks, options, results[0]);
  peak.measure();
  results[0].note = wait_for(parse_cooldown(options.cooldown), sensors);
  const auto on_sample = [&](const Sample& sample) {
    if (stream.on()) stream.sample(sample_fields(sample, results[0].sensed_cpus));
  };
  std::vector<Timing> timings =
      measure(subjects, options.effort, options.layers, sensors, on_sample, [&] { peak.after_turn(); });
  stream.flush();
  peak.measure();
  for (size_t i = 0; i < results.size(); ++i) {
    Result& r = results[i];
    r.timing = std::move(timings[i]);
    r.prepare_seconds = r.candidate->prepare_seconds + ready[i].seconds;
    r.summary = summarize(r.timing.wall());
    if (!options.bare()) r.throttled = throttling(r.timing.after(), r.sensed_cpus, sensors.trip_celsius());
  }
}

/// One network, compiled or not, or both in turns.
std::vector<Result> measure_together(const BenchOptions& options, std::span<const Candidate> candidates,
                                     const std::string& asked, int threads, Peaks& peaks, Stream& stream) {
  const std::vector<int> all = allowed_cpus();
  const std::vector<int> wanted = cpus_for(options, asked, threads, all);
  std::vector<Result> results;
  for (const Candidate& candidate : candidates) results.push_back(new_result(options, candidate, asked, threads));
  const std::vector<int> got = pin_to(wanted);
  for (Result& result : results) result.cpus = got;
  try {
    measure_into(results, options, peaks, stream);
  } catch (...) {
    pin_to(all);
    throw;
  }
  pin_to(all);
  for (Result& result : results) {
    if (!asked.empty() && result.cpus != wanted)
      result.note = fmt::format("asked for CPUs {}, got {}{}{}", to_cpu_list(wanted), to_cpu_list(result.cpus),
                                result.note.empty() ? "" : "; ", result.note);
  }
  return results;
}

/// `octet bench zoo NAME...` means what it says.
void drop_leading_zoo(std::vector<std::string>& models) {
  if (models.size() > 1 && models[0] == "zoo" && access("zoo", F_OK) != 0) models.erase(models.begin());
}

/// What must be right before anything is begun, here and for a device.
BenchOptions checked(const BenchOptions& given) {
  BenchOptions options = given;
  if (options.models.empty()) throw ModelError("MODEL is required (see octet bench --help)");
  drop_leading_zoo(options.models);
  parse_cooldown(options.cooldown);
  parse_fuse_blocks(options.fuse_blocks);
  for (const std::string& cpus : options.cpus) {
    if (std::ranges::count(options.cpus, cpus) > 1) throw ModelError("--cpus " + cpus + ": given twice");
  }
  options.effort.period_seconds = options.period_ms / 1e3;
  if (options.sustained_minutes > 0) {
    options.effort.sustained = true;
    options.effort.min_seconds = 60 * options.sustained_minutes;
  }
  return options;
}

/// Every network with every number of threads on every choice of CPUs.
void bench_here(const BenchOptions& options) {
  Outputs outputs;
  if (!options.json.empty()) outputs.reserve(options.json);
  Stream stream(options.stream);
  const std::vector<std::string> choices = options.cpus.empty() ? std::vector<std::string>{""} : options.cpus;
  for (const std::string& asked : choices) cpus_for(options, asked, 1, allowed_cpus());  // refused before the work
  const std::vector<Candidate> candidates = prepare_all(options);
  const bool wants_json = stream.on() || !options.json.empty();
  Json context = bench_context(options, candidates[0].plan->target()), list = Json::array();
  stream.send("context", context);
  std::vector<Result> results;
  Peaks peaks;
  size_t index = 0;
  const size_t together = options.fuse_blocks.empty() ? options.compiled ? 2 : 1 : 3;
  for (size_t first = 0; first < candidates.size(); first += together) {
    for (const std::string& asked : choices) {
      for (const int threads : options.threads) {
        const std::span<const Candidate> group(&candidates[first], together);
        for (Result& result : measure_together(options, group, asked, threads, peaks, stream)) {
          results.push_back(std::move(result));
          const size_t before = list.size();
          if (wants_json) add_result(list, index, results.back());
          if (stream.on()) stream.send("result", Json(list.begin() + static_cast<ptrdiff_t>(before), list.end()));
        }
      }
    }
  }
  add_peaks(context, peaks);
  const std::string report = bench_report(results, peaks, options.layers, options.effort.sustained);
  if (!options.json.empty()) outputs.write(options.json, to_text({{"context", context}, {"benchmarks", list}}));
  outputs.commit();
  if (!stream.on()) return fmt::print("{}", report);
  stream.send("context", context);
  stream.send("report", report);
}

void bench(const BenchOptions& given) {
  if (!given.compare.empty()) return compare(given.compare[0], given.compare[1], given.min_change / 100);
  const BenchOptions options = checked(given);
  options.device.empty() ? bench_here(options) : bench_on_device(options);
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "bench", "Measure networks: load, prepare, first and warm runs, against the machine's peak", bench);
  CLI::Option* const models =
      command->add_option("MODEL", options->models, std::string(kModelHelp) + "; any number of them");
  command
      ->add_option("--compare", options->compare,
                   "Instead of measuring: whether file B.json (of --json) differs from A.json beyond noise")
      ->expected(2)
      ->type_name("A.json B.json")
      ->excludes(models);
  command
      ->add_option("--min-change", options->min_change, "With --compare: per cent up to which medians count as equal")
      ->check(within(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "Numbers of threads to measure, e.g. 1,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--runs", options->effort.runs, "Samples to take, whatever the time")
      ->check(CLI::Range(1, 10000000));
  command
      ->add_option("--min-time", options->effort.min_seconds,
                   fmt::format("Seconds to sample for, {} to {} runs, where --runs does not say", kMinRuns, kMaxRuns))
      ->check(within(0.0, 86400.0))
      ->capture_default_str();
  command
      ->add_option("--warmup", options->effort.warmup,
                   "Runs before the samples. 0: the first run is a sample, no peak is measured, and nothing but --runs "
                   "runs is executed (for instruction counters)")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command
      ->add_flag("--compiled", options->compiled,
                 "Also compile the network (octet compile) and measure that in turns with the runner")
      ->excludes("--compare");
  add_fuse_blocks_option(*command, options->fuse_blocks)
      ->description("With --compiled: measure that too with blocks computed in bands of rows (octet compile --help)")
      ->needs("--compiled");
  command->add_flag("--layers", options->layers, "Also time each layer, in runs of their own");
  command->add_option("--json", options->json, "Write everything, all samples included, as google-benchmark's JSON")
      ->type_name("FILE");
  command
      ->add_option(
          "--cpus", options->cpus,
          "CPUs to run on: little, big, prime, all, a list (4-7) or a mask (0xf0); may be repeated to measure each. By "
          "default as many as threads, the largest cores first")
      ->allow_extra_args(false);
  command
      ->add_option("--cooldown", options->cooldown,
                   "Before each measurement wait so many seconds, or until the CPUs are no hotter: 30 or 40C")
      ->type_name("SECONDS|TEMPERATURE");
  command->add_option("--period-ms", options->period_ms, "Start a run every so many ms, as a camera would, not at once")
      ->check(within(0.0, 3600000.0));
  command
      ->add_option("--sustained", options->sustained_minutes,
                   "Run for so many minutes and show how times, frequency and temperature went on")
      ->check(within(0.001, 1440.0))
      ->excludes("--runs")
      ->type_name("MINUTES");
  command
      ->add_option("--device", options->device,
                   "Measure on a phone by its serial (octet devices), on the only one attached (adb), or on any 64-bit "
                   "Arm Linux "
                   "by ssh:[USER@]HOST[:PORT]")
      ->excludes("--compare");
  command
      ->add_option("--device-binary", options->device_binary, "The octet to run there (default: build/arm64/bin/octet)")
      ->type_name("FILE")
      ->needs("--device");
  command->add_option("--device-folder", options->device_folder, kDeviceFolderHelp)
      ->type_name("FOLDER")
      ->needs("--device");
  command->get_option("--device")->excludes("--compiled");
  command->add_flag("--stream", options->stream)->group("");  // for --device: stream.h
  command->add_flag("--no-pin", options->no_pin, "Let the threads run on any CPU")->excludes("--cpus");
  command->add_flag("--no-peak", options->no_peak, "Do not measure the multiply peak");
  add_prepare_options(*command, options->prepare);
  options->command = command;
}

}  // namespace octet::cli
