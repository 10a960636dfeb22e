// Reads the assembly that was emitted for every kernel that multiplies and accumulates, and fails where its hot loop
// does not do so by the target's own instruction (a compiler that falls back to a slower form gives right results,
// silently), or, on Arm and in AVX-512's convolutions, where vectors do not stay in registers meanwhile. And that of
// all kernels, and fails where it has an instruction that the target's CPUs need not have.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

/// Stores of vector registers to the stack; where the algorithm has columns there, those that LLVM calls spills.
int64_t spills(AssemblyLines loop, const KernelInfo& kernel) {
  static const std::regex arm(R"(^\s+st\w+\s+[^\[]*\b[qdv]\d+[^\[]*\[sp\b)"),
      x86(R"(^\s+v?mov\w+\s+%[xyz]mm\d+, -?\d*\(%r[sb]p\))");
  const std::regex& store = is_arm(kernel.target) ? arm : x86;
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

/// Of those that multiply and accumulate.
bool is_convolution(const KernelInfo& kernel) {
  return kernel.family != Family::Depthwise && kernel.family != Family::DepthwiseSum;
}

class Assembly : public testing::TestWithParam<KernelInfo> {};

TEST_P(Assembly, HotLoopHasTheTargetsMultiplyAccumulate) {
  const KernelInfo& kernel = GetParam();
  const std::string path = path_of(kernel);
  const std::vector<AssemblyLine> lines = read_assembly(kernel);
  ASSERT_FALSE(lines.empty()) << path;
  const AssemblyLines loop = hot_loop(lines, kernel);
  const int64_t most = counts_of(loop, kernel).multiplies, wide = count(loop, wide_multiply());
  const int64_t tile = is_convolution(kernel) ? kernel.schedule.pixels * kernel.schedule.vectors : 1;
  EXPECT_GE(most, tile) << path;
  // Of an odd number of taps, the last has no partner: LLVM multiplies it alone.
  EXPECT_LT(wide, most) << path;
}

/// Kernels that are tuned to keep vectors in registers.
std::vector<KernelInfo> kernels_in_registers() {
  std::vector<KernelInfo> kernels = kernels_under_test();
  std::erase_if(kernels, [](const KernelInfo& kernel) {
    return !is_arm(kernel.target) && (kernel.target != Target::Avx512Vnni || !is_convolution(kernel));
  });
  return kernels;
}

class Registers : public testing::TestWithParam<KernelInfo> {};

/// Whether it is no loop over input channels but the one that rescales a tile's sums, and multiplies because it adds
/// another tensor to them: many constants, once a tile.
bool adds_tensors(AssemblyLines loop, const KernelInfo& kernel) {
  static const std::regex rescale(R"(^\s+sqrdmulh\s)");
  return kernel.family == Family::ConvolutionAdd && count(loop, rescale) > 0;
}

/// Vectors that LLVM has no register for go to the stack and back within the loop, which can double its instructions.
TEST_P(Registers, HotLoopsStoreNoVectorToTheStack) {
  const KernelInfo& kernel = GetParam();
  const std::string path = path_of(kernel);
  const std::vector<AssemblyLine> lines = read_assembly(kernel);
  ASSERT_FALSE(lines.empty()) << path;
  const std::regex multiply = multiply_accumulate(kernel);
  for (const AssemblyLines loop : innermost_loops(lines)) {
    if (count(loop, multiply) == 0 || adds_tensors(loop, kernel)) continue;
    EXPECT_EQ(spills(loop, kernel), 0) << path << ", loop " << loop.front().code;
  }
}

/// As schedules/prefetch.h says: once in a step of a loop that multiplies.
TEST(Avx512, ConvolutionsFetchTheNextBlocksWeights) {
  for (const KernelInfo& kernel : kernels_under_test()) {
    if (kernel.target != Target::Avx512Vnni || !is_convolution(kernel) || kernel.schedule.pixels == 1) continue;
    const std::vector<AssemblyLine> lines = read_assembly(kernel);
    static const std::regex prefetch(R"(^\s+prefetcht0\s)");
    const std::regex multiply = multiply_accumulate(kernel);
    EXPECT_TRUE(std::ranges::any_of(innermost_loops(lines), [&](AssemblyLines loop) {
      return count(loop, multiply) > 0 && count(loop, prefetch) == 1;
    })) << path_of(kernel);
  }
}

/// What llvm-mca prints of each loop, in order.
struct Modelled {
  double total_cycles, throughput;  // of all iterations; least cycles of one that the pipes allow
};

using Code = std::vector<std::string>;

Code code_of(AssemblyLines lines) {
  Code code;
  for (const AssemblyLine& line : lines)
    if (line.code.starts_with('\t') && !line.code.starts_with("\t.")) code.push_back(line.code);
  return code;
}

std::vector<Modelled> modelled(const std::vector<Code>& loops, const std::string& core, int iterations) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / ("octet_mca_" + std::to_string(getpid()));
  {
    static const std::regex labels(R"(\.LBB\w+)");
    std::ofstream text(file);
    for (const Code& loop : loops) {
      text << "# LLVM-MCA-BEGIN\n";
      for (const std::string& line : loop) text << std::regex_replace(line, labels, ".L") << "\n";
      text << "# LLVM-MCA-END\n";
    }
  }
  const std::string command =
      "llvm-mca-19 -mtriple=aarch64 -mattr=+all -instruction-info=0 -resource-pressure=0 -mcpu=" + core +
      " -iterations=" + std::to_string(iterations) + " " + file.string();
  std::vector<Modelled> found;
  FILE* const out = popen(command.c_str(), "r");
  if (out == nullptr) return found;
  char line[256];
  for (double value = 0; std::fgets(line, sizeof line, out) != nullptr;) {
    if (std::sscanf(line, "Total Cycles: %lf", &value) == 1) found.push_back({value, 0});
    if (std::sscanf(line, "Block RThroughput: %lf", &value) == 1) found.back().throughput = value;
  }
  pclose(out);
  std::filesystem::remove(file);
  return found;
}

/// Convolutions of the target that this run is for (OCTET_TARGETS): all of them together are seen once.
std::vector<KernelInfo> convolutions_under_test() {
  const char* const targets = std::getenv("OCTET_TARGETS");
  std::vector<KernelInfo> kernels = arm_kernels_under_test();
  std::erase_if(kernels, [&](const KernelInfo& kernel) {
    return (kernel.family != Family::Convolution && kernel.family != Family::ConvolutionAdd) ||
           (targets != nullptr && targets != name_of(kernel.target));
  });
  return kernels;
}

/// How many times as long as its multiplies (and what adds them up) alone each hot loop takes, on LLVM's models of
/// cores.
TEST(ArmModels, HotLoopsKeepTheMultipliersBusy) {
  const std::vector<KernelInfo> kernels = convolutions_under_test();
  if (kernels.empty()) GTEST_SKIP() << "no kernels for 64-bit Arm here";
  if (std::system("llvm-mca-19 --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "llvm-mca-19 is not there (Debian: llvm-19)";
  std::vector<Code> loops, multiplies;
  static const std::regex accumulate(R"(^\s+sadalp\s)");
  for (const KernelInfo& kernel : kernels) {
    const std::regex multiply = multiply_accumulate(kernel);
    const std::vector<AssemblyLine> lines = read_assembly(kernel);
    loops.push_back(code_of(hot_loop(lines, kernel)));
    multiplies.push_back(loops.back());
    std::erase_if(multiplies.back(), [&](const std::string& line) {
      return !std::regex_search(line, multiply) && !std::regex_search(line, accumulate);
    });
  }
  for (const std::string core : {"neoverse-n1", "cortex-a55"}) {
    constexpr int kFew = 50, kMany = 150;
    const std::vector<Modelled> few = modelled(loops, core, kFew), many = modelled(loops, core, kMany),
                                bound = modelled(multiplies, core, kFew);
    ASSERT_EQ(few.size(), kernels.size());
    ASSERT_EQ(many.size(), kernels.size());
    ASSERT_EQ(bound.size(), kernels.size());
    for (size_t i = 0; i < kernels.size(); i++) {
      const KernelInfo& kernel = kernels[i];
      const double cycles = (many[i].total_cycles - few[i].total_cycles) / (kMany - kFew),
                   ratio = cycles / bound[i].throughput;
      std::printf("%-12s %-26s %6.1f cycles, multiplies %6.1f: %.2f\n", core.c_str(), std::string(kernel.name).c_str(),
                  cycles, bound[i].throughput, ratio);
      // Tiles of one pixel, for fully-connected layers, load a vector of weights for each multiply.
      if (kernel.schedule.pixels == 1) continue;
      // Kernels for large cores load two registers at once, which in-order cores wait for.
      if (core == "cortex-a55" && !kernel.schedule.in_order) continue;
      EXPECT_LE(ratio, core == "neoverse-n1" ? 1.05 : 1.3) << kernel.name << " on " << core;
    }
  }
}

std::string name_of_case(const testing::TestParamInfo<KernelInfo>& info) { return std::string(info.param.name); }
INSTANTIATE_TEST_SUITE_P(Kernels, Assembly, testing::ValuesIn(kernels_under_test()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Kernels, Registers, testing::ValuesIn(kernels_in_registers()), name_of_case);

}  // namespace
}  // namespace octet
