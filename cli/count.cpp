// octet count: instructions of one inference on 64-bit Arm, exactly, on a machine that need not be one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "benchmarks/emulated/profile.h"
#include "cli/commands.h"
#include "cli/emulate.h"
#include "cli/table.h"
#include "runtime/octet.h"
#include "system/files.h"

namespace octet::cli {
namespace {

using emulated::Counts;
using emulated::LayerProfile;
using emulated::Profile;
using emulated::total_of;
using Json = nlohmann::ordered_json;

struct CountOptions {
  EmulateOptions emulate;
  bool layers = false;
  std::string json;
};

void add_count_columns(Table& table) {
  table.column("instructions M");
  for (const emulated::Category category : emulated::kCategories) table.column(std::string(name_of(category)) + " M");
  table.column("MMAC");
  table.column("MACs/instr.");
}

void append_counts(std::vector<std::string>& row, const Counts& counts, int64_t macs) {
  const int64_t total = total_of(counts);
  row.push_back(in_digits(static_cast<double>(total) * 1e-6));
  for (const int64_t count : counts) row.push_back(in_digits(static_cast<double>(count) * 1e-6));
  row.push_back(macs == 0 ? "" : in_millions(macs));
  row.push_back(macs == 0 ? "" : fmt::format("{:.2f}", static_cast<double>(macs) / static_cast<double>(total)));
}

void print_networks(const std::vector<Profile>& profiles) {
  Table table;
  table.column("network", Table::Align::Left);
  table.column("target", Table::Align::Left);
  table.column("CPU", Table::Align::Left);
  add_count_columns(table);
  for (const Profile& p : profiles) {
    std::vector<std::string> row = {printable(p.network), p.target, p.cpu};
    append_counts(row, p.counts(), p.macs());
    table.row(std::move(row));
  }
  fmt::print("{}", table.text());
}

void print_layers(const Profile& profile) {
  fmt::print("\n{}, {}\n", printable(profile.network), profile.target);
  Table table;
  table.column("#");
  table.column("share %");
  add_count_columns(table);
  table.column("kernel", Table::Align::Left);
  table.column("layer", Table::Align::Left);
  const auto all = static_cast<double>(total_of(profile.counts()));
  for (size_t i = 0; i < profile.layers.size(); ++i) {
    const LayerProfile& layer = profile.layers[i];
    std::vector<std::string> row = {std::to_string(i),
                                    fmt::format("{:.1f}", 100 * static_cast<double>(total_of(layer.counts)) / all)};
    append_counts(row, layer.counts, layer.macs);
    row.push_back(layer.kernel);
    row.push_back(short_layer(layer.layer));
    table.row(std::move(row));
  }
  fmt::print("{}", table.text());
}

Json json_of(const Counts& counts) {
  Json json = {{"instructions", total_of(counts)}};
  for (const emulated::Category category : emulated::kCategories) {
    json[std::string(name_of(category))] = counts[static_cast<size_t>(category)];
  }
  return json;
}

Json json_of(const Profile& profile) {
  Json json = {
      {"network", profile.network}, {"target", profile.target}, {"cpu", profile.cpu}, {"macs", profile.macs()}};
  json.update(json_of(profile.counts()));
  json["layers"] = Json::array();
  for (const LayerProfile& layer : profile.layers) {
    Json entry = {{"layer", layer.layer}, {"kernel", layer.kernel}, {"macs", layer.macs}};
    entry.update(json_of(layer.counts));
    json["layers"].push_back(std::move(entry));
  }
  return json;
}

void count(const CountOptions& options) {
  Outputs outputs;
  if (!options.json.empty()) outputs.reserve(options.json);
  std::vector<Profile> profiles;
  for_each_emulated(options.emulate, [&](Profile profile) { profiles.push_back(std::move(profile)); });
  if (!options.json.empty()) {
    Json counts = Json::array();
    for (const Profile& p : profiles) counts.push_back(json_of(p));
    const Json json = {{"octet_version", octet_version()}, {"counts", counts}};
    outputs.write(options.json, json.dump(1, ' ', false, Json::error_handler_t::replace));
  }
  outputs.commit();
  print_networks(profiles);
  for (const Profile& p : profiles) {
    if (options.layers) print_layers(p);
  }
}

}  // namespace

void add_count(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "count", "Count the instructions of an inference on 64-bit Arm, under emulation (no times)", count);
  add_emulate_options(*command, options->emulate);
  command->add_flag("--layers", options->layers, "Also by layer");
  command->add_option("--json", options->json, "Write all counts, those of layers too, as JSON")->type_name("FILE");
}

}  // namespace octet::cli
