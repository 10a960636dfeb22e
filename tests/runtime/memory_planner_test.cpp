#include "runtime/memory_planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "runtime/aligned_memory.h"

namespace octet {
namespace {

void expect_valid(const std::vector<Block>& blocks, const Placement& placement) {
  ASSERT_EQ(placement.offset.size(), blocks.size());
  for (size_t a = 0; a < blocks.size(); ++a) {
    EXPECT_EQ(placement.offset[a] % kAlignment, 0);
    EXPECT_GE(placement.offset[a], 0);
    EXPECT_LE(placement.offset[a] + blocks[a].bytes, placement.total_bytes);
    for (size_t b = 0; b < a; ++b) {
      const bool together = blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
      const bool apart = placement.offset[a] + blocks[a].bytes <= placement.offset[b] ||
                         placement.offset[b] + blocks[b].bytes <= placement.offset[a];
      EXPECT_TRUE(!together || apart) << "blocks " << a << " and " << b;
    }
  }
  EXPECT_GE(placement.total_bytes, lower_bound_bytes(blocks));
}

TEST(MemoryPlanner, RandomLifetimesNeverOverlap) {
  std::mt19937 random(1);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 300; ++round) {
    const int steps = 1 + below(60);
    std::vector<Block> blocks;
    for (int i = 0; i < 1 + below(80); ++i) {
      const int first = below(steps);
      blocks.push_back({1 + below(1 << below(20)), first, std::min(steps - 1, first + below(6))});
    }
    expect_valid(blocks, place(blocks));
  }
}

TEST(MemoryPlanner, ChainsReachTheLowerBound) {
  // Each tensor is alive at two steps: the optimum is the largest neighbouring pair.
  std::mt19937 random(2);
  std::vector<Block> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back({static_cast<int64_t>(1 + random() % 1000) * 64, i, i + 1});
  const Placement placement = place(blocks);
  expect_valid(blocks, placement);
  EXPECT_EQ(placement.total_bytes, lower_bound_bytes(blocks));
}

TEST(MemoryPlanner, LowerBoundIsTheLargestSumAliveAtOnce) {
  EXPECT_EQ(lower_bound_bytes({}), 0);
  const std::vector<Block> blocks = {{10, 0, 1}, {20, 1, 2}, {15, 2, 3}, {100, 4, 4}};
  EXPECT_EQ(lower_bound_bytes(blocks), 100);
  EXPECT_EQ(lower_bound_bytes(std::span(blocks).first(3)), 35);
}

Step step(std::vector<int32_t> reads, std::vector<int32_t> writes, bool in_place = false, int64_t scratch = 0) {
  Step s;
  s.reads = std::move(reads);
  s.writes = std::move(writes);
  s.in_place = in_place;
  s.scratch_bytes = scratch;
  return s;
}

struct Network {
  std::vector<Step> steps;
  std::vector<int64_t> bytes;
  std::vector<int32_t> inputs, outputs;

  MemoryPlan plan(bool keep_all = false) const { return plan_memory({steps, bytes, inputs, outputs, keep_all}); }
};

TEST(MemoryPlanner, InputsStayAliveAndInPlaceSharesABlock) {
  // 0 -> 1 -> (in place) 2 -> 3
  const Network n{{step({0}, {1}), step({1}, {2}, true), step({2}, {3})}, {640, 640, 640, 640}, {0}, {3}};
  const MemoryPlan plan = n.plan();
  EXPECT_EQ(plan.offset[1], plan.offset[2]);
  EXPECT_NE(plan.offset[0], plan.offset[3]);
  EXPECT_EQ(plan.arena_bytes, 3 * 640);
  EXPECT_EQ(plan.lower_bound_bytes, 3 * 640);
}

TEST(MemoryPlanner, InPlaceIsRefusedWhereTheOldContentsAreStillNeeded) {
  const Network read_later{{step({0}, {1}), step({1}, {2}, true), step({1, 2}, {3})}, {64, 64, 64, 64}, {0}, {3}};
  EXPECT_NE(read_later.plan().offset[1], read_later.plan().offset[2]);
  const Network of_input{{step({0}, {1}, true)}, {64, 64}, {0}, {1}};
  EXPECT_NE(of_input.plan().offset[0], of_input.plan().offset[1]);
  const Network of_output{{step({0}, {1}), step({1}, {2}, true)}, {64, 64, 64}, {0}, {1, 2}};
  EXPECT_NE(of_output.plan().offset[1], of_output.plan().offset[2]);
  const Network larger{{step({0}, {1}), step({1}, {2}, true)}, {64, 64, 128}, {0}, {2}};
  EXPECT_NE(larger.plan().offset[1], larger.plan().offset[2]);
}

TEST(MemoryPlanner, ScratchLivesInItsStepOnly) {
  const Network n{{step({0}, {1}, false, 1000), step({1}, {2}, false, 1000)}, {64, 64, 64}, {0}, {2}};
  const MemoryPlan plan = n.plan();
  EXPECT_GE(plan.scratch_offset[0], 0);
  EXPECT_EQ(plan.scratch_offset[0] % kAlignment, 0);
  EXPECT_LE(plan.arena_bytes, 1024 + 3 * 64);
  EXPECT_EQ(n.plan().offset.size(), 3u);
}

TEST(MemoryPlanner, KeepAllReusesNothing) {
  const Network n{{step({0}, {1}), step({1}, {2}, true), step({2}, {3})}, {64, 64, 64, 64}, {0}, {3}};
  const MemoryPlan plan = n.plan(true);
  EXPECT_EQ(std::set<int64_t>(plan.offset.begin(), plan.offset.end()).size(), 4u);
  EXPECT_EQ(plan.arena_bytes, 4 * 64);
}

TEST(MemoryPlanner, UnusedTensorsTakeNothing) {
  const Network n{{step({0}, {1})}, {64, 64, 1 << 20}, {0}, {1}};
  EXPECT_EQ(n.plan().offset[2], -1);
  EXPECT_EQ(n.plan().arena_bytes, 128);
}

TEST(MemoryPlanner, RandomGraphsKeepLiveTensorsApart) {
  std::mt19937 random(3);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 100; ++round) {
    Network n{{}, {1 + below(5000)}, {0}, {}};
    const int steps = 1 + below(40);
    for (int i = 0; i < steps; ++i) {
      const int32_t from = std::max(0, i - below(4));
      n.steps.push_back(step({from, below(i + 1)}, {i + 1}, below(2) == 0, below(3) == 0 ? below(9000) : 0));
      n.bytes.push_back(below(2) == 0 ? n.bytes[static_cast<size_t>(from)] : 1 + below(5000));
    }
    n.outputs = {steps};
    const MemoryPlan plan = n.plan();
    // Replay: each tensor fills its memory with its number; whoever reads must find it.
    std::vector<int32_t> owner(static_cast<size_t>(plan.arena_bytes), -1);
    const auto fill = [&](int32_t t, int64_t at, int64_t bytes) { std::fill_n(owner.begin() + at, bytes, t); };
    const auto holds = [&](int32_t t) {
      const int64_t at = plan.offset[static_cast<size_t>(t)];
      return std::all_of(owner.begin() + at, owner.begin() + at + n.bytes[static_cast<size_t>(t)],
                         [&](int32_t o) { return o == t; });
    };
    fill(0, plan.offset[0], n.bytes[0]);
    for (int i = 0; i < steps; ++i) {
      const Step& s = n.steps[static_cast<size_t>(i)];
      if (s.scratch_bytes > 0) fill(-2, plan.scratch_offset[static_cast<size_t>(i)], s.scratch_bytes);
      for (const int32_t t : s.reads) ASSERT_TRUE(holds(t)) << "round " << round << ", step " << i;
      fill(s.writes[0], plan.offset[static_cast<size_t>(s.writes[0])], n.bytes[static_cast<size_t>(s.writes[0])]);
    }
    ASSERT_TRUE(holds(steps));
    ASSERT_TRUE(holds(0)) << "a run must not destroy its input";
  }
}

}  // namespace
}  // namespace octet
