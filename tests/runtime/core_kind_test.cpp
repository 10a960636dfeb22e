#include "runtime/core_kind.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "models/model.h"
#include "runtime/kernels.h"

namespace octet {
namespace {

/// A machine's main ID registers, as Linux shows them: Cortex-A55, Cortex-A76, Qualcomm's core of an in-order part's
/// number, and a CPU that is off.
class CoreKinds : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    const char* const registers[] = {"0x00000000412fd050", "0x00000000414fd0b0", "0x00000000512fd050"};
    for (int cpu = 0; cpu < 3; cpu++) {
      const std::string folder = root_ + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/regs/identification";
      std::filesystem::create_directories(folder);
      std::ofstream(folder + "/midr_el1") << registers[cpu] << "\n";
    }
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  CoreKind of(const std::vector<int>& cpus) { return core_kind_of(root_, cpus); }

  std::string root_ = testing::TempDir() + "octet_core_kinds";
};

TEST_F(CoreKinds, AreInOrderWhereAllCpusAreKnownToBe) {
  EXPECT_EQ(of({0}), CoreKind::InOrder);
  EXPECT_EQ(of({1}), CoreKind::OutOfOrder);
  EXPECT_EQ(of({0, 1}), CoreKind::OutOfOrder);
  EXPECT_EQ(of({2}), CoreKind::OutOfOrder);
  EXPECT_EQ(of({0, 3}), CoreKind::OutOfOrder);
  EXPECT_EQ(of({}), CoreKind::OutOfOrder);
}

TEST(CoreKindNames, AreReadBack) {
  for (const CoreKind kind : {CoreKind::OutOfOrder, CoreKind::InOrder}) EXPECT_EQ(parse_core_kind(name_of(kind)), kind);
  EXPECT_EQ(parse_core_kind("auto"), core_kind());
  EXPECT_THROW(parse_core_kind("little"), ModelError);
}

TEST(CoreKindKernels, AreThoseForTheCores) {
  for (const Target target : compiled_targets()) {
    for (const Family family : {Family::Convolution, Family::ConvolutionAdd}) {
      const std::vector<Kernel> usual = find_kernels(family, target),
                                in_order = find_kernels(family, target, CoreKind::InOrder);
      ASSERT_FALSE(usual.empty());
      ASSERT_FALSE(in_order.empty());
      for (const Kernel& kernel : usual) EXPECT_FALSE(kernel.info->schedule.in_order) << kernel.info->name;
      // i8mm has none for them: they take the same.
      for (const Kernel& kernel : in_order)
        EXPECT_EQ(kernel.info->schedule.in_order, is_arm(target) && kernel.info->target != Target::I8mm)
            << kernel.info->name;
    }
    EXPECT_EQ(find_kernels(Family::Depthwise, target, CoreKind::InOrder).size(),
              find_kernels(Family::Depthwise, target).size());
  }
}

}  // namespace
}  // namespace octet
