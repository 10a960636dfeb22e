// Which layers are fused to blocks, and what that saves. Whether results are right is for the conformance tests.
#include "runtime/fuse_blocks.h"

#include <gtest/gtest.h>

#include "tests/runtime/block_network.h"

namespace octet {
namespace {

/// 1x1 to 48 channels, depthwise, 1x1, ADD; depthwise, 1x1.
BlockNetwork two_blocks() {
  return {.height = 40,
          .width = 40,
          .channels = 16,
          .blocks = {{.expanded = 48, .out_c = 16, .adds = true}, {.expanded = 0, .out_c = 8}}};
}

std::shared_ptr<const Plan> plan_of(const Model& model, Target target, int64_t bytes, bool keep_all = false) {
  return Plan::make(model, {.target = target, .keep_all = keep_all, .fuse_blocks_bytes = bytes});
}

TEST(FuseBlocks, AsManyRowsAsFitTogether) {
  const Model model = block_network(two_blocks());
  for (const Target target : compiled_targets()) {
    const auto apart = plan_of(model, target, 0), fused = plan_of(model, target, 40 << 10);
    EXPECT_TRUE(apart->layer_blocks().empty());
    ASSERT_EQ(fused->layer_blocks().size(), 2U);
    const BlockMemory& first = fused->layer_blocks()[0];
    EXPECT_EQ(first.layers, 3);
    EXPECT_EQ(fused->layer_blocks()[1].layers, 2);
    EXPECT_TRUE(first.fused());
    EXPECT_EQ(first.rows, 40);
    EXPECT_GE(first.apart_bytes, 2 * 40 * 40 * 48);
    EXPECT_LE(first.weight_bytes + first.fused_bytes, 40 << 10);
    EXPECT_LT(fused->memory().arena_bytes, apart->memory().arena_bytes);
    EXPECT_EQ(fused->arena_bytes_apart(), apart->memory().arena_bytes);
    EXPECT_EQ(fused->macs(), apart->macs());
    // Twice the cache: higher bands.
    EXPECT_GT(plan_of(model, target, 80 << 10)->layer_blocks()[0].band_rows, first.band_rows);
  }
}

TEST(FuseBlocks, AStepIsWhatItsLayersWere) {
  const Model model = block_network(two_blocks());
  for (const Target target : compiled_targets()) {
    const auto apart = plan_of(model, target, 0), fused = plan_of(model, target, 40 << 10);
    // Where the input's sign is flipped first, that is a step.
    const size_t first = std::holds_alternative<LookupStep>(fused->steps()[0].work) ? 1 : 0;
    const Step &block = fused->steps()[first], &expand = apart->steps()[first], &project = apart->steps()[first + 2];
    const auto* const work = std::get_if<BlockStep>(&block.work);
    ASSERT_NE(work, nullptr);
    EXPECT_EQ(block.scratch_bytes, work->buffers().total);
    EXPECT_EQ(block.layer, fused->layer_blocks()[0].layer);
    EXPECT_EQ(block.reads.front(), expand.reads.front());
    EXPECT_EQ(block.kernels.begin, expand.kernels.begin);
    EXPECT_EQ(block.kernels.end, project.kernels.end);
    EXPECT_EQ(block.writes, project.writes);
    EXPECT_EQ(block.weight_bytes, fused->layer_blocks()[0].weight_bytes);
  }
}

TEST(FuseBlocks, LeavesWhatFitsOrCannotFit) {
  const Model model = block_network(two_blocks());
  for (const Target target : compiled_targets()) {
    for (const int64_t bytes : {int64_t{1}, int64_t{1} << 20}) {
      const auto plan = plan_of(model, target, bytes);
      for (const BlockMemory& block : plan->layer_blocks()) {
        EXPECT_FALSE(block.fused());
        EXPECT_EQ(block.traffic(), block.traffic_apart());
      }
      EXPECT_EQ(plan->layer_blocks().size(), 2U);
      // There may be room for a border that blocks would have wanted.
      EXPECT_GE(plan->memory().arena_bytes, plan->arena_bytes_apart());
      EXPECT_LE(plan->memory().arena_bytes, plan->arena_bytes_apart() + (42 * 42 - 40 * 40) * 48);
    }
    EXPECT_TRUE(plan_of(model, target, 40 << 10, /*keep_all=*/true)->layer_blocks().empty());
  }
}

TEST(FuseBlocks, LeavesWhatOthersReadToo) {
  for (const Target target : compiled_targets()) {
    for (const bool first : {true, false}) {
      Model model = block_network(two_blocks());
      // What the expansion writes; what the depthwise convolution does.
      model.outputs.push_back(model.operators[first ? 0 : 1].outputs[0]);
      const auto plan = plan_of(model, target, 40 << 10);
      // In the first case the other two layers are a block still.
      ASSERT_EQ(plan->layer_blocks().size(), first ? 2U : 1U);
      EXPECT_EQ(plan->layer_blocks()[0].layers, 2);
    }
  }
}

TEST(FuseBlocks, LeavesBatchesAndOtherConvolutions) {
  ModelBuilder b("net");
  const Quantization q = quantized(0.05f, 9);
  const auto weights = [&](std::vector<int32_t> shape) {
    const auto count = static_cast<size_t>(element_count(shape));
    return b.constant({"w", std::move(shape), DataType::UInt8, quantized(0.01f, 0)}, std::vector<std::byte>(count));
  };
  const std::vector<int32_t> image{2, 40, 40, 16}, one{1, 40, 40, 16};
  const auto depthwise = [&](int32_t x, const std::vector<int32_t>& shape) {
    return b.op(OpCode::DepthwiseConv2D, {x, weights({1, 3, 3, 16}), -1},
                DepthwiseConv2DOptions{.padding = Padding::Same, .depth_multiplier = 1},
                {"d", shape, DataType::UInt8, q});
  };
  const int32_t batch = depthwise(b.input({"x", image, DataType::UInt8, q}), image);
  b.output(
      b.op(OpCode::Conv2D, {batch, weights({16, 1, 1, 16}), -1}, Conv2DOptions{}, {"y", image, DataType::UInt8, q}));
  const int32_t single = depthwise(b.input({"x1", one, DataType::UInt8, q}), one);
  b.output(b.op(OpCode::Conv2D, {single, weights({16, 3, 3, 16}), -1}, Conv2DOptions{.padding = Padding::Same},
                {"y1", one, DataType::UInt8, q}));
  for (const Target target : compiled_targets())
    EXPECT_TRUE(plan_of(b.build(), target, 8 << 10)->layer_blocks().empty());
}

}  // namespace
}  // namespace octet
