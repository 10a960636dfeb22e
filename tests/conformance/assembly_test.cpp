// Reads the assembly that was emitted for every kernel that multiplies and accumulates, and fails where its hot loop
// does not do so by the target's own instruction (a compiler that falls back to a slower form gives right results,
// silently), or, on Arm, where vectors do not stay in registers meanwhile. And that of all kernels, and fails where it
// has an instruction that the target's CPUs need not have.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

/// For googletest, beside the type.
static void PrintTo(const KernelInfo& kernel, std::ostream* out) { *out << kernel.name; }

namespace {

using Lines = std::vector<std::string>;

std::string folder_of(Target target) { return std::string(OCTET_KERNEL_FOLDER) + "/" + std::string(name_of(target)); }

Lines read_lines(const std::string& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line.substr(0, line.find('#')));
  return lines;
}

/// Bodies of the loops that hold no other loop: from a label to the last branch back to it.
std::vector<Lines> innermost_loops(const Lines& lines) {
  static const std::regex label(R"(^(\.LBB\w+):)"), branch(R"(^\s+(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s.*?(\.LBB\w+)\s*$)");
  std::map<std::string, size_t> labels;
  std::map<size_t, size_t> loops;  // begin, end
  for (size_t i = 0; i < lines.size(); i++) {
    std::smatch m;
    if (std::regex_search(lines[i], m, label)) labels[m[1]] = i;
    if (std::regex_search(lines[i], m, branch) && labels.contains(m[1])) loops[labels[m[1]]] = i;
  }
  std::vector<Lines> bodies;
  for (const auto& loop : loops) {
    const auto is_inside = [&](const auto& other) { return other.first > loop.first && other.second < loop.second; };
    if (std::ranges::none_of(loops, is_inside))
      bodies.emplace_back(lines.begin() + static_cast<long>(loop.first),
                          lines.begin() + static_cast<long>(loop.second) + 1);
  }
  return bodies;
}

int64_t count(const Lines& lines, const std::regex& pattern) {
  return std::ranges::count_if(lines, [&](const std::string& line) { return std::regex_search(line, pattern); });
}

std::regex multiply_accumulate(const KernelInfo& kernel) {
  switch (kernel.target) {
    case Target::Sse41:
      return std::regex(R"(^\s+pmaddwd\s)");
    case Target::Avx2:
      return std::regex(R"(^\s+vpmaddwd\s)");
    case Target::Avx512Vnni:
      return std::regex(R"(^\s+vpdpbusd\s)");
    case Target::Neon:  // of bytes, or, a channel at a time, of words
      return kernel.schedule.depth == 1 ? std::regex(R"(^\s+smlal2?\s+v\d+\.4s)")
                                        : std::regex(R"(^\s+[su]m(ull|lal|lsl)2?\s+v\d+\.8h)");
    case Target::Dotprod:
      return std::regex(R"(^\s+[su]dot\s)");
    case Target::I8mm:
      return std::regex(R"(^\s+smmla\s)");
  }
  return {};
}

/// Multiplies of 32-bit lanes: the form that wastes most.
std::regex wide_multiply() { return std::regex(R"(^\s+(v?pmulld\s|ml[as]\s+v\d+\.4s|mul\s+v\d+\.4s))"); }

/// A store of a vector register to the stack, on Arm; where the algorithm has columns there, one that LLVM calls a
/// spill.
std::regex spill(const KernelInfo& kernel) {
  const std::string store = R"(^\s+st\w+\s+[^\[]*\b[qdv]\d+[^\[]*\[sp\b)";
  return std::regex(kernel.family == Family::Depthwise ? store + ".*Spill" : store);
}

bool multiplies_and_accumulates(const KernelInfo& kernel) {
  switch (kernel.family) {
    case Family::Convolution:
    case Family::ConvolutionSum:
    case Family::Depthwise:
    case Family::DepthwiseSum:
      return true;
    default:
      return false;
  }
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
    const std::string path = folder_of(kernel.target) + "/" + std::string(kernel.name) + ".s";
    const Lines lines = read_lines(path);
    ASSERT_FALSE(lines.empty()) << path;
    const std::regex unwanted = foreign(kernel.target);
    const auto found = std::ranges::find_if(lines, [&](const auto& line) { return std::regex_search(line, unwanted); });
    EXPECT_EQ(found, lines.end()) << path << ":" << *found;
  }
}

std::vector<KernelInfo> kernels_under_test() {
  std::vector<KernelInfo> kernels;
  for (const KernelInfo& kernel : kManifest)
    if (multiplies_and_accumulates(kernel) && std::ranges::count(compiled_targets(), kernel.target) != 0)
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
  const std::string path = folder_of(kernel.target) + "/" + std::string(kernel.name) + ".s";
  const Lines lines = read_lines(path);
  ASSERT_FALSE(lines.empty()) << path;
  const std::regex wanted = multiply_accumulate(kernel);
  int64_t most = 0, wide = 0;  // in the loop with the most multiply-accumulates
  for (const Lines& loop : innermost_loops(lines)) {
    const int64_t found = count(loop, wanted);
    if (found <= most) continue;
    most = found;
    wide = count(loop, wide_multiply());
  }
  const bool is_convolution = kernel.family == Family::Convolution || kernel.family == Family::ConvolutionSum;
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
  const std::string path = folder_of(kernel.target) + "/" + std::string(kernel.name) + ".s";
  const Lines lines = read_lines(path);
  ASSERT_FALSE(lines.empty()) << path;
  const std::regex multiply = multiply_accumulate(kernel), unwanted = spill(kernel);
  for (const Lines& loop : innermost_loops(lines)) {
    if (count(loop, multiply) == 0) continue;
    EXPECT_EQ(count(loop, unwanted), 0) << path << ", loop " << loop.front();
  }
}

std::string name_of_case(const testing::TestParamInfo<KernelInfo>& info) { return std::string(info.param.name); }
INSTANTIATE_TEST_SUITE_P(Kernels, Assembly, testing::ValuesIn(kernels_under_test()), name_of_case);
INSTANTIATE_TEST_SUITE_P(Kernels, ArmAssembly, testing::ValuesIn(arm_kernels_under_test()), name_of_case);

}  // namespace
}  // namespace octet
