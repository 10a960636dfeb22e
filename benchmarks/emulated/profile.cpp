#include "benchmarks/emulated/profile.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "models/model.h"
#include "system/process.h"
#include "system/temporary_folder.h"

namespace octet::emulated {
namespace fs = std::filesystem;
namespace {

struct Cpu {
  const char *target, *name;  // the oldest core of Arm's that has the target's instructions, by QEMU's name
};
constexpr Cpu kCpus[] = {{"neon", "cortex-a72"}, {"dotprod", "cortex-a76"}, {"i8mm", "max"}};

std::string cpu_of(const std::string& target) {
  const auto* const cpu = std::ranges::find(kCpus, target, &Cpu::target);
  if (cpu == std::end(kCpus)) throw ModelError("target '" + target + "' is not one that is emulated");
  return cpu->name;
}

void require(const fs::path& file, const std::string& advice) {
  if (access(file.c_str(), R_OK) != 0) throw ModelError(file.string() + ": not there (" + advice + ")");
}

/// QEMU takes a comma for the end of an option.
std::string escaped(const fs::path& path) {
  std::string text;
  for (const char c : path.string()) text += c == ',' ? ",," : std::string(1, c);
  return text;
}

std::string without_end(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// The emulated program's own error, without its name in front.
std::string complaint_of(const Outcome& finished) {
  std::string text = without_end(finished.err);
  const std::string name = "octet: ";
  if (text.starts_with(name)) text.erase(0, name.size());
  return text.empty() ? "failed under emulation, exit code " + std::to_string(finished.code) : text;
}

}  // namespace

int64_t total_of(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

Counts Profile::counts() const {
  Counts sum{};
  for (const LayerProfile& layer : layers) {
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += layer.counts[c];
  }
  return sum;
}

int64_t Profile::macs() const {
  return std::accumulate(layers.begin(), layers.end(), int64_t{0},
                         [](int64_t sum, const LayerProfile& layer) { return sum + layer.macs; });
}

fs::path arm64_octet() { return this_folder().parent_path() / "arm64/bin/octet"; }

Emulation Emulation::find(const fs::path& octet) {
  const auto qemu = find_program({"qemu-aarch64"});
  if (!qemu) throw ModelError("qemu-aarch64 is missing (Debian: qemu-user)");
  fs::path plugin = this_folder() / "octet_count.so";
  if (!fs::exists(plugin)) plugin = this_folder().parent_path() / "lib/octet/octet_count.so";
  Emulation found{*qemu, plugin, octet.empty() ? arm64_octet() : octet};
  require(found.plugin, "the build makes it: make build");
  require(found.octet, octet.empty() ? "make arm64 builds it" : "it is to be the command line for 64-bit Arm");
  return found;
}

std::vector<std::string> emulated_targets() {
  std::vector<std::string> names;
  for (const Cpu& cpu : kCpus) names.emplace_back(cpu.target);
  return names;
}

Profile profile(const Emulation& emulation, const std::string& target, const std::vector<std::string>& arguments) {
  Profile profile{.network = "", .target = target, .cpu = cpu_of(target), .pieces = {}, .layers = {}};
  const TemporaryFolder scratch;
  const fs::path counts = scratch.path / "counts";
  std::vector<std::string> command = {emulation.qemu, "-cpu", profile.cpu, "-plugin",
                                      escaped(emulation.plugin) + ",out=" + escaped(counts)};
  command.insert(command.end(), {emulation.octet, "counted", "--target", target});
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Outcome finished = converse(command, {.patience = kPatient});
  if (complaint_of(finished).starts_with("unknown command: counted")) {
    throw ModelError(emulation.octet.string() + ": is of a version without octet count (make arm64 builds it anew)");
  }
  if (finished.code == 2) throw ModelError(complaint_of(finished));
  if (finished.code != 0) throw std::runtime_error(complaint_of(finished));
  try {
    const auto json = nlohmann::json::parse(finished.out);
    profile.network = json.at("network");
    for (const auto& layer : json.at("layers")) {
      profile.layers.push_back({layer.at("layer"), layer.at("kernel"), layer.at("macs"), {}, {}});
    }
  } catch (const nlohmann::json::exception& e) {
    throw std::runtime_error(emulation.octet.string() + ": does not say its layers: " + e.what());
  }
  std::ifstream file(counts);
  if (!file) throw std::runtime_error(emulation.qemu.string() + ": wrote no counts");
  read_counts({std::istreambuf_iterator<char>(file), {}}, profile);
  return profile;
}

void read_counts(const std::string& text, Profile& profile) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "piece") {
      Piece piece{0, {}};
      words >> std::hex >> piece.address;
      for (uint32_t word = 0; words >> word;) piece.words.push_back(word);
      profile.pieces.push_back(std::move(piece));
    } else {
      size_t section = 0, piece = 0;
      int64_t count = 0;
      words >> section >> piece >> count;
      const bool is_known = kind == "count" && words && piece < profile.pieces.size() && count > 0;
      if (!is_known) throw std::runtime_error("counts of an emulated run: line not understood: " + line);
      if (section >= profile.layers.size()) continue;  // between the last layer and the end mark
      LayerProfile& layer = profile.layers[section];
      layer.executions.push_back({piece, count});
      for (const uint32_t word : profile.pieces[piece].words) {
        layer.counts[static_cast<size_t>(category_of(word))] += count;
      }
    }
  }
  for (const LayerProfile& layer : profile.layers) {
    if (layer.executions.empty()) throw std::runtime_error("counts of an emulated run: none for " + layer.layer);
  }
}

}  // namespace octet::emulated
