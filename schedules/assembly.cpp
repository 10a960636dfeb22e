#include "schedules/assembly.h"

#include <algorithm>
#include <map>

namespace octet {

std::vector<AssemblyLine> parse_assembly(std::string_view text, Target target) {
  const std::string_view mark = is_arm(target) ? "//" : "#";
  std::vector<AssemblyLine> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t comment = std::min(line.find(mark), line.size());
    lines.push_back({std::string(line.substr(0, comment)), std::string(line.substr(comment))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<AssemblyLines> innermost_loops(AssemblyLines lines) {
  static const std::regex label(R"(^(\.LBB\w+):)"), branch(R"(^\s+(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\s.*?(\.LBB\w+)\s*$)");
  std::map<std::string, size_t> labels;
  std::map<size_t, size_t> loops;  // begin, end
  for (size_t i = 0; i < lines.size(); i++) {
    const std::string& code = lines[i].code;
    if (code.find(".LBB") == std::string::npos) continue;
    std::smatch m;
    if (std::regex_search(code, m, label)) labels[m[1]] = i;
    if (std::regex_search(code, m, branch) && labels.contains(m[1])) loops[labels[m[1]]] = i;
  }
  std::vector<AssemblyLines> bodies;
  for (const auto& loop : loops) {
    const auto is_inside = [&](const auto& other) { return other.first > loop.first && other.second < loop.second; };
    if (std::ranges::none_of(loops, is_inside))
      bodies.push_back(lines.subspan(loop.first, loop.second + 1 - loop.first));
  }
  return bodies;
}

int64_t count(AssemblyLines lines, const std::regex& pattern) {
  return std::ranges::count_if(lines, [&](const AssemblyLine& l) { return std::regex_search(l.code, pattern); });
}

bool multiplies_and_accumulates(Family family) {
  switch (family) {
    case Family::Convolution:
    case Family::ConvolutionAdd:
    case Family::ConvolutionSum:
    case Family::Depthwise:
    case Family::DepthwiseSum:
      return true;
    default:
      return false;
  }
}

std::regex multiply_accumulate(const KernelInfo& kernel) {
  if (adds_bytes(kernel)) return std::regex(R"(^\s+v?pmaddubsw\s)");
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

AssemblyLines hot_loop(AssemblyLines lines, const KernelInfo& kernel) {
  const std::regex multiply = multiply_accumulate(kernel);
  AssemblyLines hottest;
  int64_t most = 0;
  for (const AssemblyLines loop : innermost_loops(lines)) {
    const int64_t found = count(loop, multiply);
    if (found <= most) continue;
    most = found;
    hottest = loop;
  }
  return hottest;
}

LoopCounts counts_of(AssemblyLines loop, const KernelInfo& kernel) {
  static const std::regex instruction(R"(^\s+[a-z])");
  LoopCounts counts{count(loop, instruction), count(loop, multiply_accumulate(kernel)), 0};
  for (const AssemblyLine& line : loop) {
    const auto says = [&](const char* word) { return line.comment.find(word) != std::string::npos; };
    if (says("Spill") || says("Reload")) counts.spills++;
  }
  return counts;
}

}  // namespace octet
