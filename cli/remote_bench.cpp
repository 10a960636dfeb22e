#include "cli/remote_bench.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <set>

#include "benchmarks/emulated/profile.h"
#include "cli/bench_json.h"
#include "cli/device.h"
#include "cli/stream.h"
#include "cli/table.h"
#include "models/model.h"
#include "system/files.h"

namespace octet::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kScript = "script";

std::string default_binary() {
  const fs::path arm = emulated::arm64_octet();
  if (fs::exists(arm)) return arm.string();
  throw std::runtime_error(arm.string() +
                           ": not built; run make arm64, or name an octet for the device with --device-binary");
}

/// What the device is to run. A script (#!) may start Octet as it likes.
std::string checked_binary(const BenchOptions& options, const Device& device, const DeviceFacts& facts) {
  const std::string file = options.device_binary.empty() ? default_binary() : options.device_binary;
  const std::string machine = machine_of_program(file);
  if (machine.empty()) throw ModelError(file + ": is no program for a machine that Octet knows");
  // What a 32-bit shell of a 64-bit phone says.
  const std::string there = facts.machine == "armv8l" ? "aarch64" : facts.machine;
  if (machine != there && machine != kScript)
    device.fail(fmt::format("is {}, but {} is for {} (see --device-binary)", facts.machine, file, machine));
  return file;
}

/// What arrives from the device.
class Received {
 public:
  void take(const std::string& line) {
    Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || event.size() != 1) {
      if (!line.empty()) words_ = line;  // of a shell, or of a program that cannot go on
      return;
    }
    const std::string kind = event.begin().key();
    Json& value = event.begin().value();
    if (kind == "context") context_ = std::move(value);
    if (kind == "report") report_ = value.get<std::string>();
    if (kind == "begin") begin(value);
    if (kind == "samples") samples_.insert(samples_.end(), value.begin(), value.end());
    if (kind == "result") {
      for (Json& entry : value) add(std::move(entry));
      begun_ = false;
    }
  }

  bool complete() const { return !report_.empty(); }
  bool empty() const { return entries_.empty() && samples_.empty(); }
  const std::string& report() const { return report_; }
  const std::string& words() const { return words_; }
  size_t samples() const { return taken_ + (begun_ ? samples_.size() : 0); }

  /// With the samples of a result that was never finished.
  Json json(const Json& device, const std::string& why_incomplete) const {
    Json context = context_, list = entries_;
    context["device"] = device;
    if (!why_incomplete.empty()) context["incomplete"] = why_incomplete;
    if (begun_) add_samples(list, {name_, families_, threads_, samples_.size()}, samples_);
    return {{"context", std::move(context)}, {"benchmarks", std::move(list)}};
  }

 private:
  void begin(const Json& value) {
    name_ = value.at("name").get<std::string>();
    threads_ = value.at("threads").get<int>();
    samples_.clear();
    begun_ = true;
  }
  void add(Json entry) {
    families_ = std::max(families_, entry.at("family_index").get<size_t>() + 1);
    if (entry.at("run_type") == "iteration") ++taken_;
    entries_.push_back(std::move(entry));
  }

  Json context_ = Json::object(), entries_ = Json::array();
  std::string report_, words_, name_;
  std::vector<Json> samples_;  // of the result that is being measured
  bool begun_ = false;
  int threads_ = 1;
  size_t families_ = 0, taken_ = 0;
};

Json json_of(const Device& device, const DeviceFacts& facts) {
  Json json = {{"name", device.name()}};
  for (const auto& [key, value] : {std::pair("model", facts.model), {"soc", facts.soc}, {"android", facts.android}}) {
    if (!value.empty()) json[key] = value;
  }
  return json;
}

std::string title(const Device& device, const DeviceFacts& facts) {
  std::string text = device.name();
  for (const std::string& fact : {facts.model, facts.soc}) {
    if (!fact.empty()) text += ", " + fact;
  }
  if (!facts.android.empty()) text += ", Android " + facts.android;
  for (const Cluster& c : facts.clusters) text += (&c == &facts.clusters[0] ? "; " : ", ") + to_text(c);
  return printable(text);
}

/// The line of shell that measures there, once all it needs has been brought.
std::string prepared_line(const BenchOptions& options, const Device& device, const DeviceFacts& facts) {
  const std::string folder = options.device_folder.empty() ? device.default_folder() : options.device_folder;
  const auto fetch = [&](const std::string& file) {
    bool sent = false;
    const std::string there = bring(device, folder, file, sent);
    if (sent) fmt::print(stderr, "{}: {} sent\n", device.name(), printable(file));
    return there;
  };
  std::string line = "exec " + quoted(fetch(checked_binary(options, device, facts))) + " bench --stream";
  for (const std::string& argument : arguments_for_device(*options.command)) line += " " + quoted(argument);
  line += " --";
  for (const std::string& model : options.models) {
    const std::optional<std::string> name = zoo_name_in(model);
    line += " " + quoted(name ? "zoo:" + *name : fetch(model));
  }
  return line;
}

/// Why it did not come to its end, and the exit code that says so.
[[noreturn]] void complain(const Device& device, const Outcome& outcome, const Received& received,
                           const std::string& kept) {
  if (outcome.hung) device.fail(fmt::format("has been silent for {} s{}", kPatienceSeconds, kept));
  const std::string gone = device.gone();
  if (!gone.empty()) device.fail("went away (" + gone + ")" + kept);
  Outcome plain = outcome;
  if (plain.err.empty()) plain.out = received.words();
  constexpr std::string_view kOurs = "octet: ";
  const size_t at = plain.err.rfind(kOurs);
  if (at != std::string::npos && outcome.code == 2) {  // bad input, as it would be here
    const size_t begin = at + kOurs.size();
    throw ModelError(device.name() + ": " + plain.err.substr(begin, plain.err.find_last_not_of("\r\n") + 1 - begin));
  }
  if (at != std::string::npos) plain.err.erase(0, at + kOurs.size());
  device.fail("octet ended there" + kept, plain);
}

void write_json(const BenchOptions& options, Outputs& outputs, const Json& json) {
  if (options.json.empty()) return;
  outputs.write(options.json, to_text(json));
  outputs.commit();
}

}  // namespace

std::vector<std::string> arguments_for_device(const CLI::App& command) {
  static const std::set<std::string> kHere = {"MODEL",           "--json", "--device", "--device-binary",
                                              "--device-folder", "--help", "--stream"};
  std::vector<std::string> arguments;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || kHere.count(name) > 0) continue;
    for (const std::string& value : option->results()) {
      arguments.push_back(option->get_expected_max() == 0 ? name : name + "=" + value);
    }
  }
  return arguments;
}

std::string machine_of_program(const std::string& file) {
  const std::vector<std::byte> bytes = read_bytes(file);
  const auto at = [&](size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  constexpr unsigned kMagic[] = {0x7f, 'E', 'L', 'F', /*64 bits*/ 2, /*little-endian*/ 1};
  if (bytes.size() > 2 && at(0) == '#' && at(1) == '!') return kScript;
  if (bytes.size() < 64) return "";
  for (size_t i = 0; i < std::size(kMagic); ++i) {
    if (at(i) != kMagic[i]) return "";
  }
  const unsigned machine = at(18) | at(19) << 8;
  return machine == 183 ? "aarch64" : machine == 62 ? "x86_64" : "";
}

void bench_on_device(const BenchOptions& options) {
  Outputs outputs;
  if (!options.json.empty()) outputs.reserve(options.json);
  for (const std::string& model : options.models) {  // refused before anything is sent
    if (!zoo_name_in(model)) load_model(model, options.prepare);
  }
  const Interruptible guard;
  const std::unique_ptr<Device> device = open_device(options.device);
  const DeviceFacts facts = facts_of(*device);
  const std::string line = prepared_line(options, *device, facts);
  Received received;
  const auto kept = [&](const std::string& why) {
    if (received.empty()) return std::string();
    write_json(options, outputs, received.json(json_of(*device, facts), why));
    const std::string where = options.json.empty() ? "; --json would have kept them" : " in " + options.json;
    return fmt::format("; {} samples until then{}", received.samples(), where);
  };
  Outcome outcome;
  try {
    outcome = converse(device->shell(line), {.beat_seconds = kBeatSeconds,
                                             .patience = kPatienceSeconds,
                                             .on_line = [&](const std::string& l) { received.take(l); }});
  } catch (const Interrupted&) {
    throw std::runtime_error("interrupted" + kept("interrupted"));
  }
  if (!received.complete()) complain(*device, outcome, received, kept("the device went away"));
  write_json(options, outputs, received.json(json_of(*device, facts), ""));
  fmt::print("{}\n{}", title(*device, facts), received.report());
}

}  // namespace octet::cli
