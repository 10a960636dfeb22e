// octet bench: how long networks take here, and how that compares with the most this machine could do.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/compare.h"
#include "cli/files.h"
#include "cli/load.h"
#include "cli/machine.h"
#include "cli/measure.h"
#include "cli/stats.h"
#include "cli/table.h"
#include "runtime/octet.h"
#include "runtime/peak.h"

namespace octet::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::vector<std::string> models;
  PrepareOptions prepare;
  std::vector<int> threads = {1};
  Effort effort;
  bool layers = false, no_pin = false, no_peak = false;
  std::string json, cpus;
  std::vector<std::string> compare;  // two files
  double min_change = 1;             // per cent

  /// Nothing but the runs, for counting instructions: what takes a varying number of them is left out.
  bool bare() const { return effort.warmup == 0; }
  bool wants_peak() const { return !no_peak && !bare(); }
};

/// A network ready to be measured.
struct Candidate {
  std::string name;
  double load_seconds = 0, prepare_seconds = 0;
  std::shared_ptr<const Plan> plan;
};

/// One network with one number of threads.
struct Result {
  const Candidate* candidate;
  int threads;
  std::vector<int> cpus;
  Timing timing;
  Summary summary;  // of wall times, in seconds

  double gmacs() const { return static_cast<double>(candidate->plan->macs()) / summary.min * 1e-9; }
};

/// Peaks in GMAC/s by number of threads: the best of all measurements in this process.
using Peaks = std::map<int, double>;

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
    candidates.push_back(std::move(c));
  }
  return candidates;
}

/// The CPUs to run `threads` threads on: those asked for; else as many as there are threads; else all.
std::vector<int> choose_cpus(const BenchOptions& options, int threads, const std::vector<int>& all) {
  if (!options.cpus.empty()) return parse_cpu_list(options.cpus);
  if (options.no_pin || static_cast<size_t>(threads) >= all.size()) return all;
  return preferred_cpus(static_cast<size_t>(threads));
}

void update_peak(Peaks& peaks, const BenchOptions& options, Target target, int threads) {
  if (options.wants_peak()) peaks[threads] = std::max(peaks[threads], measure_peak_gmacs(target, threads));
}

Result measure_one(const BenchOptions& options, const Candidate& candidate, int threads, const std::vector<int>& all,
                   Peaks& peaks) {
  Result result{&candidate, threads, pin_to(choose_cpus(options, threads, all)), {}, {}};
  update_peak(peaks, options, candidate.plan->target(), threads);
  Session session(candidate.plan, threads);
  fill_inputs(session);
  result.timing = measure(session, options.effort, options.layers);
  update_peak(peaks, options, candidate.plan->target(), threads);
  result.summary = summarize(result.timing.wall());
  pin_to(all);
  return result;
}

std::string milliseconds(double seconds) { return in_digits(seconds * 1e3); }

/// "76.3", or "-" where no peak was measured or nothing multiplied.
std::string share_of_peak(double gmacs, const Peaks& peaks, int threads) {
  const auto peak = peaks.find(threads);
  return peak == peaks.end() || gmacs == 0 ? "-" : fmt::format("{:.1f}", 100 * gmacs / peak->second);
}

std::string megabytes(int64_t bytes) { return fmt::format("{:.2f}", static_cast<double>(bytes) / (1 << 20)); }

void print_machine(const std::vector<Result>& results, const Peaks& peaks) {
  const Target target = results[0].candidate->plan->target();
  fmt::print("{}, {}", cpu_name(), name_of(target));
  for (const auto& [threads, peak] : peaks) {
    fmt::print("{} {:.1f} GMAC/s on {} thread{}", threads == peaks.begin()->first ? "; peak" : ",", peak, threads,
               threads == 1 ? "" : "s");
  }
  if (!peaks.empty()) fmt::print(" ({})", peak_instruction(target));
  fmt::print("\n\n");
}

void print_results(const std::vector<Result>& results, const Peaks& peaks) {
  Table table;
  table.column("network", Table::Align::Left);
  for (const char* heading : {"threads", "CPUs", "load ms", "prepare ms", "first ms", "runs", "min ms", "median ms",
                              "p90 ms", "MMAC", "GMAC/s", "% of peak", "arena MiB", "weights MiB"}) {
    table.column(heading);
  }
  for (const Result& r : results) {
    const Plan& plan = *r.candidate->plan;
    table.row({printable(r.candidate->name), std::to_string(r.threads), to_cpu_list(r.cpus),
               milliseconds(r.candidate->load_seconds), milliseconds(r.candidate->prepare_seconds),
               milliseconds(r.timing.first), std::to_string(r.timing.samples.size()), milliseconds(r.summary.min),
               milliseconds(r.summary.median), milliseconds(r.summary.p90), in_millions(plan.macs()),
               in_digits(r.gmacs()), share_of_peak(r.gmacs(), peaks, r.threads), megabytes(plan.memory().arena_bytes),
               megabytes(plan.packed_bytes())});
  }
  fmt::print("{}", table.text());
}

/// Says where other processes took so much of the CPU that times are not to be trusted.
void print_doubts(const std::vector<Result>& results) {
  constexpr double kEnough = 0.9;
  for (const Result& r : results) {
    double wall = 0, cpu = 0;
    for (const Sample& s : r.timing.samples) wall += s.wall, cpu += s.cpu;
    if (r.threads > 1 || cpu >= kEnough * wall) continue;  // of several threads, some may have had nothing to do
    fmt::print("note: {} had its CPU for {:.0f} % of the time only; others use it too\n", printable(r.candidate->name),
               100 * cpu / wall);
  }
}

double layer_gmacs(const Step& step, double seconds) { return static_cast<double>(step.macs) / seconds * 1e-9; }

void print_layers(const Result& result, const Peaks& peaks) {
  const std::vector<Step>& steps = result.candidate->plan->steps();
  std::vector<Summary> layers;
  double total = 0;
  for (const auto& samples : result.timing.layers) total += layers.emplace_back(summarize(samples)).min;
  fmt::print("\n{}, {} thread{}: minima of {} runs stopped at each layer\n", printable(result.candidate->name),
             result.threads, result.threads == 1 ? "" : "s", layers.empty() ? 0 : result.timing.layers[0].size());
  Table table;
  for (const char* heading : {"#", "min us", "median us", "share %", "MMAC", "GMAC/s", "% of peak"}) {
    table.column(heading);
  }
  table.column("kernel", Table::Align::Left);
  table.column("layer", Table::Align::Left);
  for (size_t i = 0; i < steps.size(); ++i) {
    const double gmacs = layer_gmacs(steps[i], layers[i].min);
    table.row({std::to_string(i), in_digits(layers[i].min * 1e6), in_digits(layers[i].median * 1e6),
               fmt::format("{:.1f}", 100 * layers[i].min / total), steps[i].macs == 0 ? "" : in_millions(steps[i].macs),
               steps[i].macs == 0 ? "" : in_digits(gmacs),
               steps[i].macs == 0 ? "" : share_of_peak(gmacs, peaks, result.threads), steps[i].kernel,
               short_layer(steps[i].layer)});
  }
  table.rule();
  const double gmacs = static_cast<double>(result.candidate->plan->macs()) / total * 1e-9;
  table.row({"", in_digits(total * 1e6), "", "100.0", in_millions(result.candidate->plan->macs()), in_digits(gmacs),
             share_of_peak(gmacs, peaks, result.threads), "sum of the layers' minima", ""});
  fmt::print("{}", table.text());
}

// ---- google-benchmark's JSON, with fields of our own behind its own

Json context_of(const BenchOptions& options, const std::vector<Result>& results, const Peaks& peaks) {
  Json context = machine_context();
  const Target target = results[0].candidate->plan->target();
  context["octet_version"] = octet_version();
  context["target"] = name_of(target);
  context["passes_off"] = options.prepare.passes_off;
  context["peak_instruction"] = peak_instruction(target);
  Json by_threads = Json::object();
  for (const auto& [threads, peak] : peaks) by_threads[std::to_string(threads)] = peak;
  context["peak_gmacs"] = by_threads;
  context["peak_resident_bytes"] = peak_resident_bytes();
  return context;
}

struct Family {
  std::string name;
  size_t index;
  int threads;
  size_t repetitions;
};

Json entry_of(const Family& family, const std::string& suffix, const char* run_type) {
  return {{"name", family.name + suffix}, {"family_index", family.index}, {"per_family_instance_index", 0},
          {"run_name", family.name},      {"run_type", run_type},         {"repetitions", family.repetitions},
          {"threads", family.threads}};
}

/// All samples, in seconds, one entry each.
void add_samples(Json& list, const Family& family, const std::vector<Sample>& samples) {
  for (size_t i = 0; i < samples.size(); ++i) {
    Json entry = entry_of(family, "", "iteration");
    entry["repetition_index"] = i;
    entry["iterations"] = 1;
    entry["real_time"] = samples[i].wall * 1e3;
    entry["cpu_time"] = samples[i].cpu * 1e3;
    entry["time_unit"] = "ms";
    list.push_back(std::move(entry));
  }
}

void add_aggregates(Json& list, const Family& family, const std::vector<Sample>& samples, const Json& extras) {
  std::vector<double> wall, cpu;
  for (const Sample& s : samples) wall.push_back(s.wall), cpu.push_back(s.cpu);
  const Summary w = summarize(wall), c = summarize(cpu);
  const std::tuple<const char*, double, double> aggregates[] = {{"mean", w.mean, c.mean},
                                                                {"median", w.median, c.median},
                                                                {"stddev", w.standard_deviation, c.standard_deviation},
                                                                {"min", w.min, c.min},
                                                                {"p90", w.p90, c.p90}};
  for (const auto& [name, wall_time, cpu_time] : aggregates) {
    Json entry = entry_of(family, std::string("_") + name, "aggregate");
    entry["aggregate_name"] = name;
    entry["aggregate_unit"] = "time";
    entry["iterations"] = samples.size();
    entry["real_time"] = wall_time * 1e3;
    entry["cpu_time"] = cpu_time * 1e3;
    entry["time_unit"] = "ms";
    if (std::string_view(name) == "min") entry.update(extras);
    list.push_back(std::move(entry));
  }
}

Json extras_of(const Result& r) {
  const Plan& plan = *r.candidate->plan;
  return {{"input_type", plan.inputs().empty() ? "" : name_of(plan.inputs()[0].type)},
          {"macs", plan.macs()},
          {"gmacs_per_second", r.gmacs()},
          {"load_ms", r.candidate->load_seconds * 1e3},
          {"prepare_ms", r.candidate->prepare_seconds * 1e3},
          {"first_ms", r.timing.first * 1e3},
          {"cpus", to_cpu_list(r.cpus)},
          {"arena_bytes", plan.memory().arena_bytes},
          {"arena_lower_bound_bytes", plan.memory().lower_bound_bytes},
          {"packed_weight_bytes", plan.packed_weight_bytes()},
          {"file_weight_bytes", plan.file_weight_bytes()},
          {"packed_bytes", plan.packed_bytes()}};
}

/// A layer's processor time is not measured apart: its wall time stands for it.
std::vector<Sample> as_samples(const std::vector<double>& wall) {
  std::vector<Sample> samples;
  for (const double w : wall) samples.push_back({w, w});
  return samples;
}

Json json_of(const BenchOptions& options, const std::vector<Result>& results, const Peaks& peaks) {
  Json list = Json::array();
  size_t index = 0;
  for (const Result& r : results) {
    const std::string name = fmt::format("{}/threads:{}", r.candidate->name, r.threads);
    const Family whole{name, index++, r.threads, r.timing.samples.size()};
    add_samples(list, whole, r.timing.samples);
    add_aggregates(list, whole, r.timing.samples, extras_of(r));
    for (size_t i = 0; i < r.timing.layers.size(); ++i) {
      const Step& step = r.candidate->plan->steps()[i];
      const std::vector<Sample> samples = as_samples(r.timing.layers[i]);
      const Family layer{fmt::format("{}/layer:{}", name, i), index++, r.threads, samples.size()};
      const double gmacs = layer_gmacs(step, summarize(r.timing.layers[i]).min);
      add_samples(list, layer, samples);
      add_aggregates(
          list, layer, samples,
          {{"layer", step.layer}, {"kernel", step.kernel}, {"macs", step.macs}, {"gmacs_per_second", gmacs}});
    }
  }
  return {{"context", context_of(options, results, peaks)}, {"benchmarks", list}};
}

/// `octet bench zoo NAME...` means what it says.
void drop_leading_zoo(std::vector<std::string>& models) {
  if (models.size() > 1 && models[0] == "zoo" && access("zoo", F_OK) != 0) models.erase(models.begin());
}

void bench(const BenchOptions& given) {
  if (!given.compare.empty()) return compare(given.compare[0], given.compare[1], given.min_change / 100);
  if (given.models.empty()) throw ModelError("MODEL is required (see octet bench --help)");
  BenchOptions options = given;
  drop_leading_zoo(options.models);
  Outputs outputs;
  if (!options.json.empty()) outputs.reserve(options.json);
  const std::vector<int> all = allowed_cpus();
  const std::vector<Candidate> candidates = prepare_all(options);
  std::vector<Result> results;
  Peaks peaks;
  for (const Candidate& candidate : candidates) {
    for (const int threads : options.threads) {
      results.push_back(measure_one(options, candidate, threads, all, peaks));
    }
  }
  if (!options.json.empty()) {
    outputs.write(options.json, json_of(options, results, peaks).dump(1, ' ', false, Json::error_handler_t::replace));
  }
  outputs.commit();
  print_machine(results, peaks);
  print_results(results, peaks);
  print_doubts(results);
  for (const Result& r : results) {
    if (options.layers) print_layers(r, peaks);
  }
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
      ->check(CLI::Range(0.0, 100.0))
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
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command
      ->add_option("--warmup", options->effort.warmup,
                   "Runs before the samples. 0: the first run is a sample, no peak is measured, and nothing but --runs "
                   "runs is executed (for instruction counters)")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_flag("--layers", options->layers, "Also time each layer, in runs of their own");
  command->add_option("--json", options->json, "Write everything, all samples included, as google-benchmark's JSON")
      ->type_name("FILE");
  command->add_option("--cpus", options->cpus,
                      "CPUs to run on, e.g. 4-7; by default as many as threads, the largest cores first");
  command->add_flag("--no-pin", options->no_pin, "Let the threads run on any CPU")->excludes("--cpus");
  command->add_flag("--no-peak", options->no_peak, "Do not measure the multiply peak");
  add_prepare_options(*command, options->prepare);
}

}  // namespace octet::cli
