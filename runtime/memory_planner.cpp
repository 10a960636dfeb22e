#include "runtime/memory_planner.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "runtime/aligned_memory.h"

namespace octet {
namespace {

using Order = std::vector<size_t>;

bool meet(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

/// Offset of the smallest gap that takes `block`, or behind everything that it meets. `by_offset`: blocks already
/// placed, in ascending order of offset.
int64_t best_fit(const Block& block, std::span<const Block> blocks, const Order& by_offset,
                 std::span<const int64_t> offset) {
  const int64_t need = align_up(block.bytes);
  int64_t best = -1, best_gap = std::numeric_limits<int64_t>::max(), free_from = 0;
  for (const size_t other : by_offset) {
    if (!meet(block, blocks[other])) continue;
    const int64_t gap = offset[other] - free_from;
    if (gap >= need && gap < best_gap) {
      best = free_from;
      best_gap = gap;
    }
    free_from = std::max(free_from, offset[other] + align_up(blocks[other].bytes));
  }
  return best >= 0 ? best : free_from;
}

Placement place_in_order(std::span<const Block> blocks, const Order& order) {
  Placement placement;
  placement.offset.assign(blocks.size(), 0);
  Order by_offset;
  by_offset.reserve(blocks.size());
  for (const size_t index : order) {
    const int64_t at = best_fit(blocks[index], blocks, by_offset, placement.offset);
    placement.offset[index] = at;
    placement.total_bytes = std::max(placement.total_bytes, at + align_up(blocks[index].bytes));
    const auto behind = std::ranges::upper_bound(by_offset, at, {}, [&](size_t i) { return placement.offset[i]; });
    by_offset.insert(behind, index);
  }
  return placement;
}

template <typename Key>
Order sorted_by(std::span<const Block> blocks, const Key& key) {
  Order order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return key(blocks[i]); });
  return order;
}

/// Blocks of the steps with the largest sums first: where memory is tight, nothing else is in the way.
Order by_pressure(std::span<const Block> blocks) {
  int32_t steps = 0;
  for (const Block& b : blocks) steps = std::max(steps, b.last + 1);
  std::vector<int64_t> alive(static_cast<size_t>(steps) + 1, 0);
  for (const Block& b : blocks) {
    alive[static_cast<size_t>(b.first)] += b.bytes;
    alive[static_cast<size_t>(b.last) + 1] -= b.bytes;
  }
  std::partial_sum(alive.begin(), alive.end(), alive.begin());
  return sorted_by(blocks, [&](const Block& b) {
    const auto peak = *std::max_element(alive.begin() + b.first, alive.begin() + b.last + 1);
    return std::pair(-peak, -b.bytes);
  });
}

/// The block that ends highest is what the total is due to: let it choose its place first, and see.
Order with_highest_first(std::span<const Block> blocks, Order order, const Placement& placement) {
  const auto end_of = [&](size_t i) { return placement.offset[i] + align_up(blocks[i].bytes); };
  const auto highest = std::ranges::max_element(order, {}, end_of);
  std::rotate(order.begin(), highest, highest + 1);
  return order;
}

constexpr size_t kImprovable = 1024;  // blocks; rounds cost the square of it
constexpr int kRounds = 24;

/// Blocks of a request, and which of them a tensor or a step's scratch is.
struct Blocks {
  std::vector<Block> list;
  std::vector<int32_t> of_tensor, of_scratch;  // -1: none
};

/// Lifetimes of tensors, before any shares a block. first > last: unused.
std::vector<Block> tensor_lifetimes(const MemoryRequest& request) {
  const auto end = static_cast<int32_t>(request.steps.size());
  std::vector<Block> life;
  for (const int64_t bytes : request.tensor_bytes) life.push_back({bytes, end + 1, -1});
  const auto at = [&](int32_t tensor) -> Block& { return life[static_cast<size_t>(tensor)]; };
  for (int32_t i = 0; i < end; ++i) {
    const Step& step = request.steps[static_cast<size_t>(i)];
    for (const int32_t t : step.reads) {
      if (at(t).first > i) at(t).first = 0;
      at(t).last = i;
    }
    for (const int32_t t : step.writes) {
      at(t).first = std::min(at(t).first, i);
      at(t).last = i;
    }
  }
  for (const int32_t t : request.always_alive) at(t) = {at(t).bytes, 0, end};
  for (const int32_t t : request.outputs) at(t) = {at(t).bytes, std::min(at(t).first, end), end};
  if (request.keep_all) {
    for (Block& b : life) {
      if (b.last >= 0) b = {b.bytes, 0, end};
    }
  }
  return life;
}

/// Whether writes[0] may take over the block of reads[0]: that ends here, begins there, and is no smaller or larger.
bool can_take_over(const Step& step, int32_t index, std::span<const Block> life) {
  if (!step.in_place || step.reads.empty() || step.writes.empty()) return false;
  const Block& read = life[static_cast<size_t>(step.reads[0])];
  const Block& write = life[static_cast<size_t>(step.writes[0])];
  return read.last == index && write.first == index && align_up(read.bytes) == align_up(write.bytes);
}

Blocks make_blocks(const MemoryRequest& request) {
  const std::vector<Block> life = tensor_lifetimes(request);
  Blocks blocks{{}, std::vector<int32_t>(life.size(), -1), std::vector<int32_t>(request.steps.size(), -1)};
  const auto add = [&](const Block& b) {
    blocks.list.push_back(b);
    return static_cast<int32_t>(blocks.list.size()) - 1;
  };
  const auto add_tensor = [&](int32_t tensor) {
    const Block& b = life[static_cast<size_t>(tensor)];
    int32_t& block = blocks.of_tensor[static_cast<size_t>(tensor)];
    if (block < 0 && b.bytes > 0 && b.last >= 0) block = add(b);
  };
  for (int32_t i = 0; i < static_cast<int32_t>(request.steps.size()); ++i) {
    const Step& step = request.steps[static_cast<size_t>(i)];
    for (const int32_t t : step.reads) add_tensor(t);
    if (can_take_over(step, i, life)) {
      const int32_t block = blocks.of_tensor[static_cast<size_t>(step.reads[0])];
      blocks.of_tensor[static_cast<size_t>(step.writes[0])] = block;
      if (block >= 0) blocks.list[static_cast<size_t>(block)].last = life[static_cast<size_t>(step.writes[0])].last;
    }
    for (const int32_t t : step.writes) add_tensor(t);
    if (step.scratch_bytes > 0) blocks.of_scratch[static_cast<size_t>(i)] = add({step.scratch_bytes, i, i});
  }
  for (int32_t t = 0; t < static_cast<int32_t>(life.size()); ++t) add_tensor(t);
  return blocks;
}

std::vector<int64_t> offsets_of(const std::vector<int32_t>& block, const Placement& placement) {
  std::vector<int64_t> offset;
  for (const int32_t b : block) offset.push_back(b < 0 ? -1 : placement.offset[static_cast<size_t>(b)]);
  return offset;
}

}  // namespace

int64_t lower_bound_bytes(std::span<const Block> blocks) {
  std::vector<std::pair<int32_t, int64_t>> changes;
  for (const Block& b : blocks) {
    changes.emplace_back(b.first, b.bytes);
    changes.emplace_back(b.last + 1, -b.bytes);
  }
  std::ranges::sort(changes);  // at one step, ends (negative) before beginnings
  int64_t alive = 0, most = 0;
  for (const auto& [step, bytes] : changes) most = std::max(most, alive += bytes);
  return most;
}

Placement place(std::span<const Block> blocks) {
  const int64_t bound = lower_bound_bytes(blocks);
  const auto by_size = [](const Block& b) { return std::pair(-b.bytes, b.first); };
  const auto by_area = [](const Block& b) { return -b.bytes * (b.last - b.first + 1); };
  const auto by_start = [](const Block& b) { return std::pair(b.first, -b.bytes); };
  Placement best;
  Order best_order;
  const auto attempt = [&](Order order) {
    Placement placement = place_in_order(blocks, order);
    const bool better = best_order.empty() || placement.total_bytes < best.total_bytes;
    if (better) best = placement, best_order = order;
    return std::pair(std::move(order), std::move(placement));
  };
  const auto good_enough = [&] { return best.total_bytes <= align_up(bound) + bound / 100; };

  attempt(sorted_by(blocks, by_size));
  if (!good_enough()) attempt(by_pressure(blocks));
  if (!good_enough()) attempt(sorted_by(blocks, by_area));
  if (!good_enough()) attempt(sorted_by(blocks, by_start));
  if (blocks.size() > kImprovable) return best;
  auto [order, placement] = std::pair(best_order, best);
  for (int round = 0; round < kRounds && !good_enough(); ++round) {
    std::tie(order, placement) = attempt(with_highest_first(blocks, std::move(order), placement));
  }
  return best;
}

MemoryPlan plan_memory(const MemoryRequest& request) {
  const Blocks blocks = make_blocks(request);
  const Placement placement = place(blocks.list);
  MemoryPlan plan;
  plan.offset = offsets_of(blocks.of_tensor, placement);
  plan.scratch_offset = offsets_of(blocks.of_scratch, placement);
  plan.arena_bytes = placement.total_bytes;
  plan.lower_bound_bytes = lower_bound_bytes(blocks.list);
  return plan;
}

}  // namespace octet
