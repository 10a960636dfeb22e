// octet estimate: what an inference would take on a core that is not here, as far as a model of the core can tell.
#include "benchmarks/emulated/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/emulate.h"
#include "cli/table.h"
#include "runtime/octet.h"
#include "system/files.h"

namespace octet::cli {
namespace {

using emulated::Core;
using emulated::Estimate;
using emulated::LayerProfile;
using emulated::Profile;
using emulated::total_of;
using Json = nlohmann::ordered_json;

struct EstimateOptions {
  EmulateOptions emulate;
  std::vector<std::string> cores;
  double gigahertz = 0;  // 0: each core's own
  bool layers = false;
  std::string json;
};

struct Row {
  Profile profile;
  const Core* core;
  double gigahertz;
  Estimate estimate;

  double milliseconds() const { return estimate.cycles() / gigahertz * 1e-6; }
};

double per_cycle(int64_t count, double cycles) { return static_cast<double>(count) / cycles; }

/// Cores with the target that they are estimated on: their own, unless --target says which. In-order cores run other
/// kernels of one target than the others do; a program of another's (--arm64) knows nothing of that.
std::vector<Row> estimate_all(const EstimateOptions& options) {
  emulated::Mca mca = emulated::Mca::find();
  std::vector<Row> rows;
  for (const std::string& model : options.emulate.models) {
    for (const bool in_order : {true, false}) {
      EmulateOptions emulate = options.emulate;
      emulate.models = {model};
      if (in_order && emulate.octet.empty()) emulate.prepare.cores = "in-order";
      const bool is_own = emulate.targets.empty();
      std::vector<const Core*> cores;
      for (const std::string& name : options.cores) {
        const Core& core = emulated::find_core(name);
        if (core.in_order != in_order) continue;
        cores.push_back(&core);
        if (is_own && std::ranges::count(emulate.targets, core.target) == 0) emulate.targets.push_back(core.target);
      }
      if (cores.empty()) continue;
      for_each_emulated(emulate, [&](const Profile& profile) {
        for (const Core* core : cores) {
          if (is_own && core->target != profile.target) continue;
          const double gigahertz = options.gigahertz > 0 ? options.gigahertz : core->gigahertz;
          rows.push_back({profile, core, gigahertz, emulated::estimate(profile, *core, mca)});
        }
      });
    }
  }
  return rows;
}

void print_networks(const std::vector<Row>& rows) {
  Table table;
  for (const char* heading : {"network", "core", "target"}) table.column(heading, Table::Align::Left);
  for (const char* heading :
       {"GHz", "est. ms", "est. Mcycles", "instructions M", "instr./cycle", "MMAC", "MACs/cycle"}) {
    table.column(heading);
  }
  for (const Row& r : rows) {
    const int64_t instructions = total_of(r.profile.counts());
    const double cycles = r.estimate.cycles();
    table.row({printable(r.profile.network), r.core->name, r.profile.target, fmt::format("{:.2f}", r.gigahertz),
               in_digits(r.milliseconds()), in_digits(cycles * 1e-6),
               in_digits(static_cast<double>(instructions) * 1e-6),
               fmt::format("{:.2f}", per_cycle(instructions, cycles)), in_millions(r.profile.macs()),
               fmt::format("{:.2f}", per_cycle(r.profile.macs(), cycles))});
  }
  fmt::print(
      "Estimates from llvm-mca's models (docs/estimates.md), not measurements: one thread, all data in the "
      "first-level cache, branches predicted\n\n{}",
      table.text());
}

void print_notes(const std::vector<Row>& rows) {
  std::vector<const Core*> said;
  for (const Row& r : rows) {
    if (std::ranges::count(said, r.core) > 0) continue;
    said.push_back(r.core);
    fmt::print("{}{}: model {}{}{}; {:.2f} GHz{}\n", said.size() == 1 ? "\n" : "", r.core->name, r.core->model,
               r.core->note.empty() ? "" : ", ", r.core->note, r.gigahertz,
               r.gigahertz == r.core->gigahertz ? " as on " + r.core->chip : "");
  }
}

void print_layers(const Row& row) {
  fmt::print("\n{} on {} (estimate)\n", printable(row.profile.network), row.core->name);
  Table table;
  for (const char* heading : {"#", "est. us", "share %", "kcycles", "instr./cycle", "MMAC", "MACs/cycle"}) {
    table.column(heading);
  }
  table.column("kernel", Table::Align::Left);
  table.column("layer", Table::Align::Left);
  for (size_t i = 0; i < row.profile.layers.size(); ++i) {
    const LayerProfile& layer = row.profile.layers[i];
    const double cycles = row.estimate.layers[i];
    table.row({std::to_string(i), in_digits(cycles / row.gigahertz * 1e-3),
               fmt::format("{:.1f}", 100 * cycles / row.estimate.cycles()), in_digits(cycles * 1e-3),
               fmt::format("{:.2f}", per_cycle(total_of(layer.counts), cycles)),
               layer.macs == 0 ? "" : in_millions(layer.macs),
               layer.macs == 0 ? "" : fmt::format("{:.2f}", per_cycle(layer.macs, cycles)), layer.kernel,
               short_layer(layer.layer)});
  }
  fmt::print("{}", table.text());
}

Json json_of(const Row& row) {
  Json json = {{"network", row.profile.network},
               {"core", row.core->name},
               {"target", row.profile.target},
               {"model", row.core->model},
               {"gigahertz", row.gigahertz},
               {"estimated_ms", row.milliseconds()},
               {"estimated_cycles", row.estimate.cycles()},
               {"instructions", total_of(row.profile.counts())},
               {"analyzed_share", row.estimate.analyzed},
               {"macs", row.profile.macs()},
               {"layers", Json::array()}};
  for (size_t i = 0; i < row.profile.layers.size(); ++i) {
    const LayerProfile& layer = row.profile.layers[i];
    json["layers"].push_back({{"layer", layer.layer},
                              {"kernel", layer.kernel},
                              {"macs", layer.macs},
                              {"instructions", total_of(layer.counts)},
                              {"estimated_cycles", row.estimate.layers[i]}});
  }
  return json;
}

void estimate(const EstimateOptions& options) {
  Outputs outputs;
  if (!options.json.empty()) outputs.reserve(options.json);
  const std::vector<Row> rows = estimate_all(options);
  if (!options.json.empty()) {
    Json estimates = Json::array();
    for (const Row& row : rows) estimates.push_back(json_of(row));
    const Json json = {{"octet_version", octet_version()}, {"estimates", estimates}};
    outputs.write(options.json, json.dump(1, ' ', false, Json::error_handler_t::replace));
  }
  outputs.commit();
  print_networks(rows);
  print_notes(rows);
  for (const Row& row : rows) {
    if (options.layers) print_layers(row);
  }
}

}  // namespace

void add_estimate(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "estimate", "Estimate an inference's time on a core that is not here (llvm-mca)", estimate);
  options->emulate.targets.clear();
  std::vector<std::string> names;
  for (const Core& core : emulated::cores()) names.push_back(core.name);
  command->add_option("--core", options->cores, "Cores, e.g. cortex-a53,cortex-a76")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(names));
  command->add_option("--frequency", options->gigahertz, "GHz, where not the frequency of the core in a known chip")
      ->check(within(0.01, 10.0));
  add_emulate_options(*command, options->emulate);
  command->get_option("--target")
      ->description("Instruction sets to use in place of the widest that each core has")
      ->default_str("");
  command->add_flag("--layers", options->layers, "Also by layer");
  command->add_option("--json", options->json, "Write all estimates, those of layers too, as JSON")->type_name("FILE");
}

}  // namespace octet::cli
