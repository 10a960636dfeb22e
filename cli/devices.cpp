// octet devices: what networks can be measured on besides this machine.
#include <fmt/format.h>

#include "cli/adb.h"
#include "cli/commands.h"
#include "cli/device.h"
#include "cli/ssh.h"
#include "cli/table.h"

namespace octet::cli {
namespace {

struct DevicesOptions {
  std::vector<std::string> devices;
  std::string clean, folder;
};

/// A row of the table, and what is to be done where the device is not ready.
struct Row {
  std::string name, state, advice;
  DeviceFacts facts;
};

Row row_of(const std::string& name) {
  Row row{name, "ready", "", {}};
  try {
    row.facts = facts_of(*open_device(name));
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& e) {
    row.state = "not ready";
    row.advice = e.what();
  }
  return row;
}

std::vector<Row> rows_of(const DevicesOptions& options) {
  std::vector<Row> rows;
  if (options.devices.empty()) {
    for (const AdbEntry& entry : adb_entries()) {
      if (entry.state == "device") {
        rows.push_back(row_of(entry.serial));
      } else {
        const std::string advice = advice_for(entry.state);
        rows.push_back({entry.serial,
                        entry.state.substr(0, entry.state.find(" (")),
                        advice.empty() ? "" : entry.serial + ": " + advice,
                        {}});
      }
    }
  }
  for (const std::string& name : options.devices) rows.push_back(row_of(name));
  return rows;
}

void print(const std::vector<Row>& rows) {
  Table table;
  for (const char* heading : {"device", "state", "model", "SoC", "Android", "cores"})
    table.column(heading, Table::Align::Left);
  std::string advice;
  for (const Row& row : rows) {
    std::string cores;
    for (const Cluster& c : row.facts.clusters) cores += (cores.empty() ? "" : ", ") + to_text(c);
    table.row({printable(row.name), row.state, printable(row.facts.model), printable(row.facts.soc),
               printable(row.facts.android), printable(cores)});
    if (!row.advice.empty()) advice += "note: " + printable(row.advice) + "\n";
  }
  fmt::print("{}{}", table.text(), advice);
}

void devices(const DevicesOptions& options) {
  const Interruptible guard;
  if (!options.clean.empty()) {
    const std::unique_ptr<Device> device = open_device(options.clean);
    return clean(*device, options.folder.empty() ? device->default_folder() : options.folder);
  }
  const std::vector<Row> rows = rows_of(options);
  if (rows.empty()) {
    fmt::print("no device is attached: plug one in with USB debugging allowed, or run adb connect HOST:PORT\n");
  } else {
    print(rows);
  }
}

}  // namespace

void add_devices(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command(app, action, "devices", "List phones attached over adb, for octet bench --device", devices);
  command->add_option("DEVICE", options->devices, "These instead, e.g. ssh:[USER@]HOST[:PORT]");
  command
      ->add_option("--clean", options->clean,
                   "Instead: remove from this device what octet bench has left there for next time")
      ->type_name("DEVICE");
  command->add_option("--device-folder", options->folder, kDeviceFolderHelp)->type_name("FOLDER")->needs("--clean");
}

}  // namespace octet::cli
