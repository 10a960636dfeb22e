// Times single layers of real networks on one thread. $OCTET_TARGET: a target's name; else the best that this CPU has.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "benchmarks/layers.h"
#include "models/zoo.h"
#include "runtime/peak.h"
#include "runtime/session.h"

namespace {

using namespace octet;

constexpr const char* kNetworks[] = {"mobilenet_v1_1.0_224", "mobilenet_v2_1.0_224", "resnet50"};

void fill(std::span<std::byte> bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random() & 0xff); });
}

void run_layer(benchmark::State& state, const Model& model, Target target, double peak) {
  PlanOptions options;
  options.target = target;
  Session session(Plan::make(model, options));
  for (size_t i = 0; i < model.inputs.size(); i++) fill(session.input(i), static_cast<uint32_t>(i));
  for (auto _ : state) state.SetIterationTime(time_layer(session));
  const auto macs = static_cast<double>(session.plan().macs());
  state.SetLabel(kernel_of_layer(session.plan()));
  if (macs == 0) return;
  using benchmark::Counter;
  state.counters["GMAC/s"] = Counter(macs / 1e9, Counter::kIsIterationInvariantRate);
  if (peak > 0) state.counters["peak"] = Counter(macs / (peak * 1e9), Counter::kIsIterationInvariantRate);
}

void register_network(const char* name, DataType type, Target target, double peak) {
  const std::string prefix = std::string(name) + (type == DataType::Int8 ? "/int8/" : "/uint8/");
  for (Layer& layer : cut_layers(build_zoo(name, type)))
    benchmark::RegisterBenchmark((prefix + layer.name).c_str(),
                                 [model = std::move(layer.model), target, peak](benchmark::State& state) {
                                   run_layer(state, model, target, peak);
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const char* name = std::getenv("OCTET_TARGET");
  const Target target = parse_target(name != nullptr ? name : "auto");
  const double peak = measure_peak_gmacs(target);
  benchmark::AddCustomContext("octet_target", std::string(name_of(target)));
  benchmark::AddCustomContext("octet_peak_gmacs", std::to_string(peak));
  for (const char* network : kNetworks)
    for (const DataType type : {DataType::UInt8, DataType::Int8}) register_network(network, type, target, peak);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
} catch (const ModelError& error) {
  std::cerr << "octet_benchmarks: " << error.what() << "\n";
  return 2;
}
