// Octet against its peers, alternating in one process: whole networks, or (--layers) their layers one by one.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/layers.h"
#include "benchmarks/peers/match.h"
#include "benchmarks/peers/network.h"
#include "cli/load.h"
#include "cli/machine.h"
#include "runtime/peak.h"

namespace octet::peers {
namespace {

constexpr double kPeakSeconds = 0.5;

struct Network {
  std::string name, type;  // `type` of the zoo's
};
const std::vector<Network> kNetworks = {{"mobilenet_v1_0.25_128", "uint8"},
                                        {"mobilenet_v1_1.0_224", "uint8"},
                                        {"mobilenet_v2_1.0_224", "uint8"},
                                        {"mobilenet_v2_1.0_224", "int8"},
                                        {"resnet18", "int8"},
                                        {"resnet50", "int8"}};

struct Selection {
  std::vector<std::string> models;
  std::string type = "int8", target = "auto";
  std::vector<int> threads = {1};
  bool layers = false;

  std::vector<Network> networks() const {
    std::vector<Network> list;
    for (const std::string& model : models) list.push_back({model, type});
    return list.empty() ? kNetworks : list;
  }
};

/// Peaks by number of threads, in GMAC/s.
using Peaks = std::map<int, double>;

Model load(const Network& network) {
  cli::PrepareOptions options;
  options.type = network.type;
  return cli::load_model(network.name, options);
}

std::string type_of(const Model& model) {
  std::string type(model.inputs.empty() ? "" : name_of(model.tensors[static_cast<size_t>(model.inputs[0])].type));
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

/// One sample. `ratio`: how many times as long as Octet's run of the same turn it took.
void report(benchmark::State& state, Match& match, size_t side, size_t index, double peak) {
  if (const std::string& error = match.error(side); !error.empty()) return state.SkipWithError(error.c_str());
  for (auto _ : state) {
    state.PauseTiming();
    state.SetIterationTime(match.seconds(side, index));
    state.ResumeTiming();
  }
  const double seconds = match.seconds(side, index), gmacs = static_cast<double>(match.macs()) / 1e9 / seconds;
  state.SetLabel(match.note(side));
  state.counters["GMAC/s"] = gmacs;
  state.counters["peak"] = gmacs / peak;
  state.counters["ratio"] = seconds / match.seconds(0, index);
}

void add_match(const std::string& name, std::function<Model()> network, int threads, Target target, double peak,
               benchmark::TimeUnit unit) {
  const auto match = std::make_shared<Match>(name + "/threads:" + std::to_string(threads), std::move(network), threads,
                                             target, known_peers());
  for (size_t side = 0; side <= known_peers().size(); ++side) {
    const std::string full = match->name() + "/" + (side == 0 ? "octet" : known_peers()[side - 1].name);
    benchmark::RegisterBenchmark(full.c_str(),
                                 [match, side, peak, index = size_t{0}](benchmark::State& state) mutable {
                                   report(state, *match, side, index++, peak);
                                 })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(unit);
  }
}

void add_matches(const Selection& selected, const Network& network, Target target, const Peaks& peaks) {
  const Model model = load(network);
  const std::string name = model.name + "/" + type_of(without_ends(model));
  for (const auto& [threads, peak] : peaks) {
    if (!selected.layers) {
      add_match(
          name, [network] { return load(network); }, threads, target, peak, benchmark::kMillisecond);
      continue;
    }
    for (const Layer& layer : cut_layers(model))
      add_match(
          name + "/" + layer.name, [layer] { return layer.model; }, threads, target, peak, benchmark::kMicrosecond);
  }
}

/// Of many repetitions, their median; all go to --benchmark_out.
class Medians : public benchmark::ConsoleReporter {
 public:
  Medians() : ConsoleReporter(isatty(STDOUT_FILENO) ? OO_ColorTabular : OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> shown;
    std::ranges::copy_if(runs, std::back_inserter(shown), [](const Run& run) {
      return run.error_occurred || run.repetitions == 1 || run.aggregate_name == "median";
    });
    if (!shown.empty() && shown.back().error_occurred) shown.resize(1);
    for (Run& run : shown) run.run_name.iterations = run.run_name.time_type = "";
    ConsoleReporter::ReportRuns(shown);
  }
};

void run(const Selection& selected) {
  const Target target = parse_target(selected.target);
  benchmark::AddCustomContext("cpu_name", cli::cpu_name());
  benchmark::AddCustomContext("target", std::string(name_of(target)));
  for (const Peer& peer : known_peers())
    if (!peer.version.empty()) benchmark::AddCustomContext(peer.name + "_version", peer.version);
  Peaks peaks;
  for (const int threads : selected.threads) {
    peaks[threads] = measure_peak_gmacs(target, threads, kPeakSeconds);
    benchmark::AddCustomContext("peak_gmacs_threads:" + std::to_string(threads), std::to_string(peaks[threads]));
  }
  for (const Network& network : selected.networks()) add_matches(selected, network, target, peaks);
  Medians medians;
  benchmark::RunSpecifiedBenchmarks(&medians);
}

void add_options(CLI::App& app, Selection& selected) {
  app.add_option("MODEL", selected.models, std::string(cli::kModelHelp) + "; by default some of the zoo");
  cli::add_type_option(app, selected.type);
  app.add_option("--target", selected.target, "Octet's instruction set")->capture_default_str();
  app.add_option("--threads", selected.threads, "Numbers of threads, e.g. 1,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--layers", selected.layers, "Each layer shape alone, instead of whole networks");
}

void print_help() {
  CLI::App app("Times Octet and its peers in turns. Samples are repetitions.", "octet_peers");
  Selection defaults;
  add_options(app, defaults);
  std::cout << app.help() << "\nOptions of google-benchmark:\n";
  benchmark::PrintDefaultHelp();
}

/// Throws ModelError.
Selection parse(int argc, char** argv) {
  CLI::App app;
  app.set_help_flag();
  Selection selected;
  add_options(app, selected);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    throw ModelError(std::string(e.what()) + " (see octet_peers --help)");
  }
  return selected;
}

}  // namespace
}  // namespace octet::peers

int main(int argc, char** argv) try {
  // Repetitions are the samples; what the user says comes later and wins.
  std::vector<char*> arguments = {argv[0], const_cast<char*>("--benchmark_repetitions=30")};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  argc = static_cast<int>(arguments.size());
  benchmark::Initialize(&argc, arguments.data(), octet::peers::print_help);
  octet::peers::run(octet::peers::parse(argc, arguments.data()));
  benchmark::Shutdown();
  return 0;
} catch (const std::exception& error) {
  std::cerr << "octet_peers: " << error.what() << "\n";
  return 2;
}
