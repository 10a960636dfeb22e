#include "schedules/tuning.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace octet {

namespace {

struct Field {
  std::string_view name;
  int8_t Schedule::*field;
};
constexpr Field kFields[] = {
    {"pixels", &Schedule::pixels}, {"vectors", &Schedule::vectors},
    {"step", &Schedule::step},     {"depth", &Schedule::depth},
    {"filter", &Schedule::filter}, {"stride", &Schedule::stride},
    {"rows", &Schedule::rows},     {"parts", &Schedule::parts},
    {"joined", &Schedule::joined}, {"overlapping", &Schedule::overlapping},
};

constexpr std::string_view kFamilies[] = {
    "Convolution", "ConvolutionAdd", "ConvolutionSum", "Requantize",  "Depthwise", "DepthwiseAny", "DepthwiseSum",
    "Sum",         "SumAny",         "Product",        "AveragePool", "MaxPool",   "Mean"};
constexpr std::string_view kTargets[] = {"Sse41", "Avx2", "Avx512Vnni", "Neon", "Dotprod", "I8mm"};

/// Sums that a tile may have at most: of a call's last tile they lie in a buffer (runtime/steps/convolution.cpp), and
/// far fewer fit into registers.
constexpr int kMostVectors = 64;

Parameter parameter(std::string_view name, std::vector<int> values) {
  const auto* const field = std::ranges::find(kFields, name, &Field::name);
  return {name, field->field, std::move(values)};
}

std::vector<int> from_to(int first, int last, int by = 1) {
  std::vector<int> values;
  for (int v = first; v <= last; v += by) values.push_back(v);
  return values;
}

bool is_convolution(const KernelInfo& kernel) {
  return kernel.family == Family::Convolution || kernel.family == Family::ConvolutionAdd ||
         kernel.family == Family::ConvolutionSum;
}

std::vector<int> steps_of(const KernelInfo& kernel) {
  switch (kernel.target) {
    case Target::Sse41:
    case Target::Avx2:
      return adds_bytes(kernel) ? std::vector<int>{4, 8, 16} : std::vector<int>{2, 4, 8, 16};
    case Target::Avx512Vnni:
      return {4, 8, 16, 32};
    case Target::Neon:
      return adds_pairs(kernel) ? std::vector<int>{16, 32} : from_to(1, 8);
    case Target::Dotprod:
      return from_to(4, 40, 4);
    case Target::I8mm:
      return {8, 16, 24, 32};
  }
  return {};
}

/// With what stands in the place of 0.
Schedule in_full(const KernelInfo& kernel) {
  Schedule s = kernel.schedule;
  if (is_convolution(kernel)) {
    s.step = static_cast<int8_t>(step_of(kernel));
    s.depth = static_cast<int8_t>(packed_depth(kernel));
  }
  return s;
}

}  // namespace

bool Parameter::allows(int value) const { return std::ranges::count(values, value) > 0; }

std::vector<Parameter> parameters_of(const KernelInfo& kernel) {
  if (is_convolution(kernel)) {
    const bool pairs = takes_pixel_pairs(kernel);
    const int together = pairs ? 2 : kernel.schedule.joined;
    // Pairs: bytes are sorted by pixel by functions for 8 and for 16 channels (schedules/i8mm.ll).
    std::vector<Parameter> parameters = {parameter("pixels", from_to(together, 32, together)),
                                         parameter("vectors", pairs ? std::vector<int>{2, 4} : from_to(1, 16))};
    if (kernel.schedule.joined == 1) parameters.push_back(parameter("step", steps_of(kernel)));
    if (kernel.schedule.overlapping > 0) parameters.push_back(parameter("overlapping", from_to(1, 16)));
    return parameters;
  }
  if (kernel.family != Family::Depthwise) return {};
  std::vector<Parameter> parameters = {parameter("pixels", from_to(1, 16))};
  if (kernel.target != Target::Neon) parameters.push_back(parameter("rows", from_to(1, 4)));
  return parameters;
}

std::string trouble_with(const KernelInfo& kernel) {
  const int tile = kernel.schedule.pixels * kernel.schedule.vectors;
  if (is_convolution(kernel) && tile > kMostVectors)
    return "pixels x vectors is " + std::to_string(tile) + ", which may be " + std::to_string(kMostVectors) +
           " at most";
  return "";
}

std::string name_for(const KernelInfo& kernel) {
  const std::string target = "_" + std::string(name_of(kernel.target));
  const Schedule& s = kernel.schedule;
  std::string name(kernel.name.substr(0, kernel.name.rfind("_x") == std::string_view::npos
                                             ? kernel.name.size() - target.size()
                                             : kernel.name.rfind("_x")));
  if (is_convolution(kernel)) {
    name += "_x" + std::to_string(s.pixels) + "c" + std::to_string(s.vectors);
    if (s.step != 0) name += "k" + std::to_string(s.step);
    if (s.joined > 1) name += "_joined" + std::to_string(s.joined);
    if (s.in_order) name += "_inorder";
    if (s.overlapping > 0) name += "_overlapping" + std::to_string(s.overlapping);
    if (s.fixed_point) name += "_fixed";
    return name + target;
  }
  if (name.ends_with("_split")) name.erase(name.rfind("_split"));
  if (s.pixels > 1) name += "_x" + std::to_string(s.pixels);
  name += "_r" + std::to_string(s.rows);
  if (s.parts > 1) name += "_split";
  return name + target;
}

const KernelInfo* find_same(const KernelInfo& kernel) {
  const auto same = [&](const KernelInfo& other) {
    return other.family == kernel.family && other.target == kernel.target && in_full(other) == in_full(kernel);
  };
  const auto* const found = std::ranges::find_if(kManifest, same);
  return found == std::end(kManifest) ? nullptr : found;
}

std::string manifest_line(const KernelInfo& kernel) {
  std::string line = "{\"" + std::string(kernel.name) +
                     "\", Family::" + std::string(kFamilies[static_cast<size_t>(kernel.family)]) +
                     ", Target::" + std::string(kTargets[static_cast<size_t>(kernel.target)]) + ", {";
  const Schedule defaults;
  std::string_view separator;
  for (const Field& f : kFields) {
    const bool always = f.field == &Schedule::pixels || (f.field == &Schedule::vectors && is_convolution(kernel));
    if (!always && kernel.schedule.*f.field == defaults.*f.field) continue;
    line += std::string(separator) + "." + std::string(f.name) + " = " + std::to_string(kernel.schedule.*f.field);
    separator = ", ";
  }
  if (kernel.schedule.in_order) line += ", .in_order = true";
  if (kernel.schedule.fixed_point) line += ", .fixed_point = true";
  if (kernel.schedule.sliding) line += ", .sliding = true";
  return line + "}},";
}

std::string values_of(const Parameter& parameter) {
  const std::vector<int>& v = parameter.values;
  if (v.size() > 2 && v.back() - v.front() + 1 == std::ssize(v))
    return std::to_string(v.front()) + " to " + std::to_string(v.back());
  std::string text;
  for (const int value : v) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return text;
}

std::string to_text(std::span<const Parameter> parameters) {
  std::string text;
  for (const Parameter& p : parameters)
    text += (text.empty() ? "" : ", ") + std::string(p.name) + " (" + values_of(p) + ")";
  return text;
}

std::string to_text(const KernelInfo& kernel, std::span<const Parameter> parameters) {
  std::string text;
  for (const Parameter& p : parameters)
    text += (text.empty() ? "" : ",") + std::string(p.name) + "=" + std::to_string(in_full(kernel).*p.field);
  return text;
}

}  // namespace octet
