// octet zoo: networks made from nothing.
#include "models/zoo.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/table.h"
#include "models/tflite_writer.h"
#include "system/files.h"

namespace octet::cli {
namespace {

struct ZooOptions {
  std::string name, output;
  PrepareOptions prepare;
  uint64_t seed = 1;
};

void list_networks() {
  Table table;
  table.column("name", Table::Align::Left);
  table.column("input");
  table.column("MMAC");
  table.column("description", Table::Align::Left);
  for (const ZooEntry& entry : zoo_entries()) {
    table.row({entry.name, fmt::format("{0}x{0}", entry.resolution), in_millions(entry.macs), entry.description});
  }
  fmt::print("{}", table.text());
}

void build(const ZooOptions& options) {
  if (options.output.empty()) throw ModelError("zoo " + options.name + ": say where to write it: -o FILE.tflite");
  const Model model = build_zoo(options.name, options.prepare.data_type(), options.seed);
  const std::vector<std::byte> bytes = write_tflite(model);
  Outputs outputs;
  outputs.write(options.output, bytes);
  outputs.commit();
  fmt::print("{}: {} {}, {} MMAC, {}\n", options.output, options.name, options.prepare.type,
             in_millions(count_macs(model)), in_bytes(static_cast<int64_t>(bytes.size())));
}

void zoo(const ZooOptions& options) { options.name == "list" ? list_networks() : build(options); }

}  // namespace

void add_zoo(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command(app, action, "zoo", "List well-known networks, or write one with synthetic weights", zoo);
  command->add_option("NAME", options->name, "`list`, or the network to write")->required();
  add_type_option(*command, options->prepare.type);
  command->add_option("-o,--output", options->output, "The .tflite file to write");
  command->add_option("--seed", options->seed, "Of the synthetic weights")->capture_default_str();
}

}  // namespace octet::cli
