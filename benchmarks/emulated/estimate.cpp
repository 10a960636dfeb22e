#include "benchmarks/emulated/estimate.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace octet::emulated {
namespace {

constexpr double kAnalyzed = 0.99;

/// The blocks' code, those with the most instructions first, until all but a hundredth is covered.
std::vector<Code> hot_code(const std::vector<std::vector<BasicBlock>>& layers) {
  std::map<Code, int64_t> instructions;
  int64_t all = 0;
  for (const auto& blocks : layers) {
    for (const BasicBlock& block : blocks) {
      instructions[block.code] += block.instructions();
      all += block.instructions();
    }
  }
  std::vector<std::pair<int64_t, const Code*>> order;
  for (const auto& [code, count] : instructions) order.emplace_back(count, &code);
  std::ranges::stable_sort(order, std::ranges::greater(), [](const auto& entry) { return entry.first; });
  std::vector<Code> hot;
  int64_t covered = 0;
  for (const auto& [count, code] : order) {
    if (static_cast<double>(covered) >= kAnalyzed * static_cast<double>(all)) break;
    hot.push_back(*code);
    covered += count;
  }
  return hot;
}

struct Sum {
  double cycles = 0;
  int64_t instructions = 0;
  double per_instruction() const { return cycles / static_cast<double>(instructions); }
};

}  // namespace

double Estimate::cycles() const { return std::accumulate(layers.begin(), layers.end(), 0.0); }

std::vector<BasicBlock> basic_blocks(const Profile& profile, const LayerProfile& layer) {
  struct Instruction {
    uint32_t word;
    int64_t executions;
  };
  std::map<uint64_t, Instruction> instructions;
  for (const Execution& execution : layer.executions) {
    const Piece& piece = profile.pieces[execution.piece];
    for (size_t i = 0; i < piece.words.size(); ++i) {
      const auto [at, is_new] = instructions.try_emplace(piece.address + 4 * i, Instruction{piece.words[i], 0});
      at->second.executions += execution.count;
    }
  }
  std::vector<BasicBlock> blocks;
  bool is_open = false;
  for (const auto& [address, instruction] : instructions) {
    const bool goes_on = is_open && blocks.back().executions == instruction.executions &&
                         blocks.back().address + 4 * blocks.back().code.size() == address;
    if (!goes_on) blocks.push_back({address, {}, instruction.executions});
    blocks.back().code.push_back(instruction.word);
    is_open = !is_branch(instruction.word);
  }
  return blocks;
}

Estimate estimate(const Profile& profile, const Core& core, Mca& mca) {
  std::vector<std::vector<BasicBlock>> layers;
  for (const LayerProfile& layer : profile.layers) layers.push_back(basic_blocks(profile, layer));
  const std::vector<Code> hot = hot_code(layers);
  const std::vector<double> cycles = mca.cycles_per_iteration(core, hot);
  std::map<Code, double> known;
  for (size_t i = 0; i < hot.size(); ++i) known[hot[i]] = cycles[i];

  std::vector<Sum> analyzed(layers.size());
  Sum all;
  for (size_t i = 0; i < layers.size(); ++i) {
    for (const BasicBlock& block : layers[i]) {
      const auto at = known.find(block.code);
      if (at == known.end()) continue;
      analyzed[i].cycles += at->second * static_cast<double>(block.executions);
      analyzed[i].instructions += block.instructions();
    }
    all.cycles += analyzed[i].cycles;
    all.instructions += analyzed[i].instructions;
  }
  Estimate result;
  for (size_t i = 0; i < layers.size(); ++i) {
    const int64_t rest = total_of(profile.layers[i].counts) - analyzed[i].instructions;
    const Sum& like = analyzed[i].instructions > 0 ? analyzed[i] : all;
    result.layers.push_back(analyzed[i].cycles + static_cast<double>(rest) * like.per_instruction());
  }
  result.analyzed = static_cast<double>(all.instructions) / static_cast<double>(total_of(profile.counts()));
  return result;
}

}  // namespace octet::emulated
