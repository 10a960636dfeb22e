#include "benchmarks/emulated/mca.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/model.h"
#include "system/process.h"

namespace octet::emulated {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Outcome run(const std::vector<std::string>& command, const std::string& in) {
  Outcome finished = converse(command, {.input = in, .patience = kPatient});
  if (finished.code != 0) throw std::runtime_error(command[0] + " failed: " + first_line(finished.err));
  return finished;
}

}  // namespace

Mca Mca::find() {
  const auto disassembler = find_program({"llvm-mc-19"}), analyzer = find_program({"llvm-mca-19"});
  if (!disassembler || !analyzer) throw ModelError("llvm-mca-19 or llvm-mc-19 is missing (Debian: llvm-19)");
  return {*disassembler, *analyzer};
}

std::vector<std::string> Mca::disassemble(std::span<const Code> blocks) const {
  std::string bytes;
  size_t count = 0;
  for (const Code& block : blocks) {
    for (const uint32_t word : block) {
      bytes += fmt::format("{:#x} {:#x} {:#x} {:#x}\n", word & 0xff, word >> 8 & 0xff, word >> 16 & 0xff, word >> 24);
    }
    count += block.size();
  }
  const Outcome finished = run({disassembler_, "-disassemble", "-triple=aarch64", "-mattr=+all"}, bytes);
  std::vector<std::string> lines;
  std::istringstream text(finished.out);
  for (std::string line; std::getline(text, line);) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && line[begin] != '.') lines.push_back(line.substr(begin));
  }
  if (lines.size() != count) throw std::runtime_error(disassembler_ + ": " + first_line(finished.err));
  return lines;
}

/// Cycles of `iterations` executions of each block.
std::vector<double> Mca::total_cycles(const Core& core, const std::string& regions, size_t count,
                                      int iterations) const {
  // A call takes no hundred cycles here: what it calls is counted where it is.
  const Outcome finished =
      run({analyzer_, "-mtriple=aarch64", "-mattr=+all", "-mcpu=" + core.model, "--json", "-instruction-info=false",
           "-resource-pressure=false", "-call-latency=1", "-iterations=" + std::to_string(iterations)},
          regions);
  std::vector<double> cycles;
  try {
    const auto json = nlohmann::json::parse(finished.out);
    for (const auto& region : json.at("CodeRegions")) {
      cycles.push_back(region.at("SummaryView").at("TotalCycles"));
    }
  } catch (const nlohmann::json::exception& e) {
    throw std::runtime_error(analyzer_ + ": answer not understood: " + e.what());
  }
  if (cycles.size() != count) {
    throw std::runtime_error(fmt::format("{}: {} blocks given, {} answered", analyzer_, count, cycles.size()));
  }
  return cycles;
}

std::vector<double> Mca::cycles_per_iteration(const Core& core, std::span<const Code> blocks) {
  std::map<Code, double>& known = known_[core.name];
  std::vector<Code> unknown;
  for (const Code& block : blocks) {
    if (known.try_emplace(block, 0).second) unknown.push_back(block);
  }
  if (!unknown.empty()) {
    const std::vector<std::string> lines = disassemble(unknown);
    std::string regions;
    auto line = lines.begin();
    for (const Code& block : unknown) {
      regions += "# LLVM-MCA-BEGIN\n";
      for (size_t i = 0; i < block.size(); ++i) regions += *line++ + "\n";
      regions += "# LLVM-MCA-END\n";
    }
    // The difference of two runs leaves out how the first iteration begins and the last one ends.
    constexpr int kFew = 50, kMany = 150;
    const std::vector<double> few = total_cycles(core, regions, unknown.size(), kFew);
    const std::vector<double> many = total_cycles(core, regions, unknown.size(), kMany);
    for (size_t i = 0; i < unknown.size(); ++i) {
      const double decoded = static_cast<double>(unknown[i].size()) / core.width;
      known[unknown[i]] = std::max((many[i] - few[i]) / (kMany - kFew), decoded);
    }
  }
  std::vector<double> cycles;
  for (const Code& block : blocks) cycles.push_back(known[block]);
  return cycles;
}

}  // namespace octet::emulated
