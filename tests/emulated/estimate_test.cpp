#include "benchmarks/emulated/estimate.h"

#include <gtest/gtest.h>

#include <optional>

#include "models/model.h"
#include "tests/emulated/hand_made_program.h"

namespace octet::emulated {
namespace {

/// As the plugin sees the hand-made program's loop: its first turn together with what leads to it.
Profile hand_made_profile() {
  Profile profile;
  profile.layers = {{"A", "loop", 160, {}, {}}, {"B", "copy", 0, {}, {}}};
  read_counts(
      "piece 400000 d2800140 4fa2e020 f1000400 54ffffc1\n"  // mov x0, #10, and the loop
      "piece 400004 4fa2e020 f1000400 54ffffc1\n"           // the loop alone
      "piece 400010 3dc003e0 3c9f03e0\n"
      "count 0 0 1\ncount 0 1 9\ncount 1 2 1\n",
      profile);
  return profile;
}

TEST(BasicBlocks, PiecesThatOverlapAreAddedUp) {
  const Profile profile = hand_made_profile();
  const std::vector<BasicBlock> blocks = basic_blocks(profile, profile.layers[0]);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].code, Code{0xd2800140});
  EXPECT_EQ(blocks[0].executions, 1);
  EXPECT_EQ(blocks[1].address, 0x400004u);
  EXPECT_EQ(blocks[1].code, kLoop);
  EXPECT_EQ(blocks[1].executions, kTurns);
  EXPECT_EQ(blocks[1].instructions(), 3 * kTurns);
}

TEST(BasicBlocks, EndBehindBranchesAndGaps) {
  Profile profile;
  profile.layers = {{"A", "a", 0, {}, {}}};
  read_counts(
      "piece 400000 8b020020 54ffffc1\npiece 400008 8b020020\npiece 400020 8b020020\n"
      "count 0 0 3\ncount 0 1 3\ncount 0 2 3\n",
      profile);
  EXPECT_EQ(basic_blocks(profile, profile.layers[0]).size(), 3u);
}

TEST(Cores, AreFoundByName) {
  EXPECT_EQ(find_core("cortex-a76").target, "dotprod");
  EXPECT_THROW(find_core("cortex-a1"), ModelError);
}

class Analyzed : public testing::Test {
 protected:
  void SetUp() override {
    try {
      mca_ = Mca::find();
    } catch (const ModelError& e) {
      GTEST_SKIP() << e.what();
    }
  }
  std::optional<Mca> mca_;
};

TEST_F(Analyzed, EveryCoreHasAModel) {
  for (const Core& core : cores()) {
    EXPECT_GT(mca_->cycles_per_iteration(core, std::vector<Code>{kLoop})[0], 0) << core.name;
  }
}

TEST_F(Analyzed, AChainTakesItsLatencyAndTheRestTheCoresWidth) {
  const Code chain(8, 0x8b020000);    // add x0, x0, x2
  const Code nothing(8, 0xd503201f);  // nop
  const Core& core = find_core("cortex-a76");
  const std::vector<double> cycles = mca_->cycles_per_iteration(core, std::vector<Code>{chain, nothing});
  EXPECT_NEAR(cycles[0], 8, 0.1);
  EXPECT_NEAR(cycles[1], 8.0 / core.width, 0.1);
}

TEST_F(Analyzed, CallsAndReturnsDoNotCountAsAHundredCycles) {
  const Code call = {0x94000002}, back = {0xd65f03c0};
  for (const double cycles : mca_->cycles_per_iteration(find_core("cortex-a76"), std::vector<Code>{call, back})) {
    EXPECT_LT(cycles, 5);
  }
}

TEST_F(Analyzed, LayersAreTheirBlocksTimesTheirExecutions) {
  const Profile profile = hand_made_profile();
  const Core& core = find_core("cortex-a55");
  const Code head = {0xd2800140}, tail = {0x3dc003e0, 0x3c9f03e0};
  const std::vector<double> cycles = mca_->cycles_per_iteration(core, std::vector<Code>{head, kLoop, tail});
  EXPECT_EQ(mca_->cycles_per_iteration(core, std::vector<Code>{tail, head})[0], cycles[2]);  // remembered
  const Estimate result = estimate(profile, core, *mca_);
  ASSERT_EQ(result.layers.size(), 2u);
  EXPECT_DOUBLE_EQ(result.layers[0], cycles[0] + kTurns * cycles[1]);
  EXPECT_DOUBLE_EQ(result.layers[1], cycles[2]);
  EXPECT_DOUBLE_EQ(result.cycles(), result.layers[0] + result.layers[1]);
  EXPECT_DOUBLE_EQ(result.analyzed, 1);
}

TEST_F(Analyzed, AWordThatIsNoInstructionIsAnError) {
  EXPECT_THROW(mca_->disassemble(std::vector<Code>{Code{0xffffffff}}), std::runtime_error);
}

}  // namespace
}  // namespace octet::emulated
