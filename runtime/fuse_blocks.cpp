#include "runtime/fuse_blocks.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <span>

namespace octet {
namespace {

/// How often each tensor is read, the end of the run included.
using Readers = std::map<int32_t, int>;

Readers readers_of(const std::vector<Step>& steps, const std::vector<int32_t>& outputs) {
  Readers readers;
  for (const Step& step : steps)
    for (const int32_t tensor : step.reads) ++readers[tensor];
  for (const int32_t tensor : outputs) ++readers[tensor];
  return readers;
}

const ConvolutionStep* pointwise(const Step& step) {
  const auto* const convolution = std::get_if<ConvolutionStep>(&step.work);
  return convolution != nullptr && convolution->is_pointwise() ? convolution : nullptr;
}

/// A block of `layers`, if they are one: each but the first reads what the one before it writes, and nobody else does.
std::optional<BlockStep> block_of(std::span<const Step> layers, const Readers& readers) {
  for (size_t i = 1; i < layers.size(); ++i) {
    const std::vector<int32_t>& reads = layers[i].reads;
    const int32_t between = layers[i - 1].writes.at(0);
    if (reads.empty() || reads[0] != between || readers.at(between) != 1) return std::nullopt;
  }
  const bool expands = layers.size() == 3;
  const ConvolutionStep* const expand = expands ? pointwise(layers.front()) : nullptr;
  const auto* const depthwise = std::get_if<DepthwiseStep>(&layers[layers.size() - 2].work);
  const ConvolutionStep* const project = pointwise(layers.back());
  if ((expands && (expand == nullptr || expand->adds())) || depthwise == nullptr || project == nullptr)
    return std::nullopt;
  if (depthwise->batch != 1 || depthwise->requantizes()) return std::nullopt;
  BlockStep block{};
  block.expands = expands;
  if (expands) block.expand = *expand;
  block.depthwise = *depthwise;
  block.project = *project;
  block.band_rows = depthwise->out_h;
  return block;
}

/// Of whole tensors between the layers, and of copies of them.
int64_t intermediate_bytes(const BlockStep& block) {
  const DepthwiseStep& d = block.depthwise;
  const PadCopy& s = d.image.shape;
  const int64_t expanded = d.image.bordered ? s.elements() : s.in_h * s.in_w * s.channels;
  return (block.expands != 0 ? block.expand.copy_bytes() + expanded : 0) + (d.image.copied ? d.image_bytes() : 0) +
         d.out_h * d.out_w * d.out_c + block.project.copy_bytes();
}

/// The most rows of a band, shared evenly among the bands; nothing where none fits.
std::optional<int64_t> band_rows(BlockStep block, int64_t room) {
  const int64_t height = block.depthwise.out_h, at_once = block.depthwise.rows_at_once;
  std::optional<int64_t> best;
  for (block.band_rows = at_once; block.band_rows < height; block.band_rows += at_once)
    if (block.buffers().total <= room) best = block.band_rows;
  if (best) best = round_up(ceil_div(height, ceil_div(height, *best)), at_once);
  return best;
}

/// One step of several. `work`: theirs.
Step joined(std::span<const Step> layers, const BlockStep& work) {
  Step step = layers.back();
  step.layer = "BLOCK" + step.layer.substr(step.layer.find(' '));
  step.kernel.clear();
  step.macs = step.weight_bytes = 0;
  for (const Step& layer : layers) {
    step.kernel += (step.kernel.empty() ? "" : " + ") + layer.kernel;
    step.macs += layer.macs;
    step.weight_bytes += layer.weight_bytes;
  }
  // Besides the first layer's input what the last one adds.
  step.reads.erase(step.reads.begin());
  step.reads.insert(step.reads.begin(), layers.front().reads.at(0));
  step.scratch_bytes = work.buffers().total;
  step.kernels.begin = layers.front().kernels.begin;
  step.work = work;
  return step;
}

/// What was found at a step, fused if it is worth it and can be.
struct Found {
  std::vector<Step> steps;  // that take the place of the layers
  BlockMemory memory;
};

Found fused(std::span<const Step> layers, BlockStep block, int64_t cache_bytes) {
  const int64_t apart_bytes = intermediate_bytes(block);
  block.depthwise.image.copy();  // band by band
  Step step = joined(layers, block);
  Found found;
  found.memory = {.layer = step.layer, .layers = std::ssize(layers), .rows = block.band_rows};
  found.memory.band_rows = block.band_rows;
  found.memory.weight_bytes = step.weight_bytes;
  found.memory.apart_bytes = found.memory.fused_bytes = apart_bytes;
  const int64_t room = cache_bytes - step.weight_bytes;
  const std::optional<int64_t> rows = found.memory.apart_bytes > room ? band_rows(block, room) : std::nullopt;
  if (!rows) {
    found.steps.assign(layers.begin(), layers.end());
    return found;
  }
  found.memory.band_rows = block.band_rows = *rows;
  found.steps = {joined(layers, block)};
  found.memory.fused_bytes = found.steps[0].scratch_bytes;
  return found;
}

/// The block that begins with the first of these steps: the longest that can be fused, else the longest.
std::optional<Found> find_block(std::span<const Step> steps, const Readers& readers, int64_t cache_bytes) {
  std::optional<Found> best;
  for (const size_t count : {size_t{3}, size_t{2}}) {
    if (count > steps.size()) continue;
    const std::span<const Step> layers = steps.first(count);
    const std::optional<BlockStep> block = block_of(layers, readers);
    if (!block) continue;
    Found found = fused(layers, *block, cache_bytes);
    if (!best || found.memory.fused()) best = std::move(found);
    if (best->memory.fused()) break;
  }
  return best;
}

}  // namespace

std::vector<BlockMemory> fuse_blocks(std::vector<Step>& steps, const std::vector<int32_t>& outputs,
                                     int64_t cache_bytes) {
  const Readers readers = readers_of(steps, outputs);
  std::vector<BlockMemory> blocks;
  std::vector<Step> result;
  for (size_t i = 0; i < steps.size();) {
    std::optional<Found> found = find_block(std::span<const Step>(steps).subspan(i), readers, cache_bytes);
    if (!found) {
      result.push_back(std::move(steps[i++]));
      continue;
    }
    std::ranges::move(found->steps, std::back_inserter(result));
    i += static_cast<size_t>(found->memory.layers);
    blocks.push_back(std::move(found->memory));
  }
  steps = std::move(result);
  return blocks;
}

}  // namespace octet
