// Reads the assembly that was emitted for every kernel that multiplies and accumulates, and fails where its hot loop
// does not do so by the target's own instruction (a compiler that falls back to a slower form gives right results,
// silently), or, on Arm, where vectors do not stay in registers meanwhile. And that of all kernels, and fails where it
// has an instruction that the target's CPUs need not have.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "schedules/assembly.h"
#include "schedules/manifest.h"

namespace octet {

/// For googletest, beside the type.
static void PrintTo(const KernelInfo& kernel, std::ostream* out) { *out << kernel.name; }

namespace {

std::string path_of(const KernelInfo& kernel) {
  return std::string(OCTET_KERNEL_FOLDER) + "/" + std::string(name_of(kernel.target)) + "/" + std::string(kernel.name) +
         ".s";
}

std::vector<AssemblyLine> read_assembly(const KernelInfo& kernel) {
  std::ifstream file(path_of(kernel));
  return parse_assembly(std::string(std::istreambuf_iterator<char>(file), {}), kernel.target);
}

/// Multiplies of 32-bit lanes: the form that wastes most.
std::regex wide_multiply() { return std::regex(R"(^\s+(v?pmulld\s|ml[as]\s+v\d+\.4s|mul\s+v\d+\.4s))"); }

/// Stores of vector registers to the stack, on Arm; where the algorithm has columns there, those that LLVM calls
/// spills.
int64_t spills(AssemblyLines loop, const KernelInfo& kernel) {
  static const std::regex store(R"(^\s+st\w+\s+[^\[]*\b[qdv]\d+[^\[]*\[sp\b)");
  return std::ranges::count_if(loop, [&](const AssemblyLine& line) {
    return std::regex_search(line.code, store) &&
           (kernel.family != Family::Depthwise || line.comment.find("Spill") != std::string::npos);
  });
}

/// Instructions of the sets that runtime/target.cpp does not ask a CPU for, but that Halide's targets include.
std::regex foreign(Target target) {
  switch (target) {
    case Target::Sse41:
      return std::regex(R"(^\s+v\w+\s.*[xyz]mm)");
    case Target::Avx2:
      return std::regex(R"(^\s+v\w+\s.*(zmm|%k\d|[xy]mm(1[6-9]|2\d|3[01])))");
    case Target::Avx512Vnni:  // VBMI, VBMI2, IFMA, BITALG, GFNI, BF16
      return std::regex(
          R"(^\s+v(perm[it]?2?b|permb|pmultishift|pmadd52|psh[lr]d[vwdq]|popcnt|gf2p8|dpbf|cvtne|pcompress[bw]|pexpand[bw]|pshufbitq)\w*\s)");
    case Target::Neon:
      return std::regex(R"(^\s+([su]dot|usdot|[su]mmla|usmmla)\s)");
    case Target::Dotprod:
      return std::regex(R"(^\s+(usdot|[su]mmla|usmmla)\s)");
    case Target::I8mm:  // BF16, SVE
      return std::regex(R"(^\s+(bf(dot|mmla|mlal|cvt)\w*\s|\w+\s.*\bz\d))");
  }
  return {};
}

TEST(Instructions, AreThoseOfTheTarget) {
  for (const KernelInfo& kernel : kManifest) {
    if (std::ranges::count(compiled_targets(), kernel.target) == 0) continue;
    const std::vector<AssemblyLine> lines = read_assembly(kernel);
    ASSERT_FALSE(lines.empty()) << path_of(kernel);
    const std::regex unwanted = foreign(kernel.target);
    const auto found =
        std::ranges::find_if(lines, [&](const AssemblyLine& line) { return std::regex_search(line.code, unwanted); });
    EXPECT_EQ(found, lines.end()) << path_of(kernel) << ":" << found->code;
  }
}

std::vector<KernelInfo> kernels_under_test() {
  std::vector<KernelInfo> kernels;
  for (const KernelInfo& kernel : kManifest)
    if (multiplies_and_accumulates(kernel.family) && std::ranges::count(compiled_targets(), kernel.target) != 0)
      kernels.push_back(kernel);
  return kernels;
}

std::vector<KernelInfo> arm_kernels_under_test() {
  std::vector<KernelInfo> kernels = kernels_under_test();
  std::erase_if(kernels, [](const KernelInfo& kernel) { return !is_arm(kernel.target); });
  return kernels;
}

class Assembly : public testing::TestWithParam<KernelInfo> {};

TEST_P(Assembly, HotLoopHasTheTargetsMultiplyAccumulate) {
  const KernelInfo& kernel = GetParam();
  const std::string path = path_of(kernel);
  const std::vector<AssemblyLine> lines = read_assembly(kernel);
  ASSERT_FALSE(lines.empty()) << path;
  const AssemblyLines loop = hot_loop(lines, kernel);
  const int64_t most = counts_of(loop, kernel).multiplies, wide = count(loop, wide_multiply());
  const bool is_convolution = kernel.family != Family::Depthwise && kernel.family != Family::DepthwiseSum;
  const int64_t tile = is_convolution ? kernel.schedule.pixels * kernel.schedule.vectors : 1;
  EXPECT_GE(most, tile) << path;
  // Of an odd number of taps, the last has no partner: LLVM multiplies it alone.
  EXPECT_LT(wide, most) << path;
}

class ArmAssembly : public testing::TestWithParam<KernelInfo> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ArmAssembly);  // elsewhere than on Arm

/// Vectors that LLVM has no register for go to the stack and back within the loop, which can double its instructions.
TEST_P(ArmAssembly, HotLoopsStoreNoVectorToTheStack) {
  const KernelInfo& kernel = GetParam();
  const std::string path = path_of(kernel);
  const std::vector<AssemblyLine> lines = read_assembly(kernel);
  ASSERT_FALSE(lines.empty()) << path;
  const std::regex multiply = multiply_accumulate(kernel);
  for (const AssemblyLines loop : innermost_loops(lines)) {
    if (count(loop, multiply) == 0) continue;
    EXPECT_EQ(spills(loop, kernel), 0) << path << ", loop " << loop.front().code;
  }
}

std::string name_of_case(const testing::TestParamInfo<KernelInfo>& info) { return std::string(info.param.name); }
INSTANTIATE_TEST_SUITE_P(Kernels, Assembly, testing::ValuesIn(kernels_under_test()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Kernels, ArmAssembly, testing::ValuesIn(arm_kernels_under_test()), name_of_case);

}  // namespace
}  // namespace octet
