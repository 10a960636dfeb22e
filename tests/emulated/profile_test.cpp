#include "benchmarks/emulated/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/tflite_writer.h"
#include "runtime/plan.h"
#include "tests/emulated/hand_made_program.h"
#include "tests/runtime/small_network.h"

namespace octet::emulated {
namespace {

namespace fs = std::filesystem;

// ---- the plugin's file

Profile of_two_layers() {
  Profile profile;
  profile.layers = {{"A", "a", 0, {}, {}}, {"B", "b", 0, {}, {}}};
  return profile;
}

TEST(ReadCounts, AddsUpByLayerAndKind) {
  Profile profile = of_two_layers();
  // sdot, add x0; ldr q0
  read_counts(
      "piece 400000 4fa2e020 8b020020\npiece 400008 3dc00020\ncount 0 0 5\ncount 1 0 2\ncount 1 1 7\ncount 2 1 9\n",
      profile);
  EXPECT_EQ(profile.pieces.size(), 2u);
  EXPECT_EQ(profile.layers[0].counts, (Counts{5, 0, 0, 0, 5}));
  EXPECT_EQ(profile.layers[1].counts, (Counts{2, 7, 0, 0, 2}));
  EXPECT_EQ(profile.counts(), (Counts{7, 7, 0, 0, 7}));  // what follows the last layer belongs to none
}

TEST(ReadCounts, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "count 0 0 1\n", "piece 400000 4fa2e020\ncount 0 1 1\ncount 1 0 1\n",
                           "piece 400000 4fa2e020\ncount 0 0\n", "piece 400000 4fa2e020\ncount 0 0 1\n", "hello\n"}) {
    Profile profile = of_two_layers();
    EXPECT_THROW(read_counts(text, profile), std::runtime_error) << text;
  }
}

// ---- under emulation

class Emulated : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("octet, emulated_" + std::to_string(getpid()) + "_" + test.name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// With `octet` as the program to emulate; empty: the build's.
  static std::optional<Emulation> emulation(std::string& why_not, const fs::path& octet = {}) {
    try {
      return Emulation::find(octet);
    } catch (const ModelError& e) {
      why_not = e.what();
      return std::nullopt;
    }
  }

  fs::path folder_;
};

TEST_F(Emulated, EveryInstructionOfAKnownProgramIsCountedInItsLayer) {
  const fs::path program = folder_ / "program";
  write_hand_made_program(program);
  std::string why_not;
  const auto emulation = this->emulation(why_not, program);
  if (!emulation) GTEST_SKIP() << why_not;
  const Profile p = profile(*emulation, "dotprod", {"model"});
  EXPECT_EQ(p.network, "hand made");
  EXPECT_EQ(p.macs(), 160);
  ASSERT_EQ(p.layers.size(), 2u);
  EXPECT_EQ(p.layers[0].layer, "A");
  EXPECT_EQ(p.layers[1].kernel, "copy");
  // Scalar: mov, subs and b.ne a turn, and the mark that ends the layer.
  EXPECT_EQ(p.layers[0].counts, (Counts{kTurns, 0, 0, 0, 1 + 2 * kTurns + 1}));
  EXPECT_EQ(p.layers[1].counts, (Counts{0, 1, 1, 1, 1}));
}

TEST_F(Emulated, ARunCanBeRepeatedAndCountsEveryLayer) {
  std::string why_not;
  const auto emulation = this->emulation(why_not);
  if (!emulation) GTEST_SKIP() << why_not;
  const Model model = small_network();
  const std::vector<std::byte> bytes = write_tflite(model);
  const fs::path file = folder_ / "small.tflite";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  for (const char* target : {"neon", "dotprod"}) {
    const Profile first = profile(*emulation, target, {file.string()}),
                  second = profile(*emulation, target, {file.string()});
    EXPECT_EQ(first.macs(), Plan::make(model)->macs());
    ASSERT_EQ(first.layers.size(), second.layers.size());
    for (size_t i = 0; i < first.layers.size(); ++i) {
      const LayerProfile& layer = first.layers[i];
      EXPECT_EQ(layer.counts, second.layers[i].counts) << layer.layer;
      EXPECT_EQ(layer.macs > 0, layer.counts[static_cast<size_t>(Category::Multiply)] > 0) << layer.layer;
    }
  }
}

TEST_F(Emulated, WhatTheProgramRefusesIsSaidAsItSaysIt) {
  std::string why_not;
  const auto emulation = this->emulation(why_not);
  if (!emulation) GTEST_SKIP() << why_not;
  try {
    profile(*emulation, "neon", {"no_such.tflite"});
    FAIL();
  } catch (const ModelError& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with("no_such.tflite: ")) << e.what();
  }
}

TEST_F(Emulated, AMissingProgramIsNamed) {
  std::string why_not;
  EXPECT_EQ(emulation(why_not, folder_ / "absent"), std::nullopt);
  EXPECT_NE(why_not.find("absent"), std::string::npos) << why_not;
}

}  // namespace
}  // namespace octet::emulated
