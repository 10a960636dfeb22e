#include "schedules/request.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace octet {

namespace {

using What = KnownArgument::What;

/// All of a schedule's fields.
template <typename Function>
void for_each_field(Schedule& s, const Function& function) {
  static_assert(sizeof(Schedule) == 13);  // a new field belongs here
  for (int8_t* const field :
       {&s.pixels, &s.vectors, &s.step, &s.depth, &s.filter, &s.stride, &s.rows, &s.parts, &s.joined, &s.overlapping})
    function(*field);
  function(s.in_order);
  function(s.fixed_point);
  function(s.sliding);
}

bool is_convolution(Family family) {
  return family == Family::Convolution || family == Family::ConvolutionAdd || family == Family::ConvolutionSum;
}

using enum ArgumentKind;

// clang-format off
constexpr ArgumentInfo kConvolution[] = {{"input", Buffer}, {"offsets", Buffer}, {"runs", Buffer}, {"weights", Buffer}, {"channels", Buffer}, {"excess"}, {"fits_int16"}, {"width"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kConvolutionAdd[] = {{"input", Buffer}, {"offsets", Buffer}, {"runs", Buffer}, {"weights", Buffer}, {"channels", Buffer}, {"excess"}, {"fits_int16"}, {"width"}, {"zero_point"}, {"lo"}, {"hi"}, {"addend", Buffer}, {"sum_factors", Buffer}, {"sum_low_bytes", Buffer}, {"sum_whole", Int16}, {"sum_fraction"}, {"sum_lo"}, {"sum_hi"}, {"output", Buffer}};
constexpr ArgumentInfo kRequantize[] = {{"sums", Buffer}, {"channels", Buffer}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kDepthwiseX86[] = {{"input", Buffer}, {"pair_step"}, {"odd_step"}, {"weights", Buffer}, {"channels", Buffer}, {"doubled_row"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kDepthwiseArm[] = {{"input", Buffer}, {"pair_step"}, {"odd_step"}, {"weights", Buffer}, {"channels", Buffer}, {"fits_int16"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kDepthwiseAny[] = {{"input", Buffer}, {"offsets", Buffer}, {"weights", Buffer}, {"channels", Buffer}, {"groups"}, {"pixel_step"}, {"row_step"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kSum[] = {{"a", Buffer}, {"b", Buffer}, {"factors", Buffer}, {"low_bytes", Buffer}, {"whole", Int16}, {"fraction"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kSumAny[] = {{"a", Buffer}, {"b", Buffer}, {"a_zero"}, {"a_multiplier"}, {"a_right"}, {"b_zero"}, {"b_multiplier"}, {"b_right"}, {"sign"}, {"out_multiplier"}, {"out_left"}, {"out_right"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kProduct[] = {{"a", Buffer}, {"b", Buffer}, {"a_zero"}, {"b_zero"}, {"out_multiplier"}, {"out_left"}, {"out_right"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kAveragePool[] = {{"input", Buffer}, {"divisors", Buffer}, {"k_w"}, {"k_h"}, {"stride_w"}, {"stride_h"}, {"pad_left"}, {"pad_top"}, {"offset"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kMaxPool[] = {{"input", Buffer}, {"k_w"}, {"k_h"}, {"stride_w"}, {"stride_h"}, {"pad_left"}, {"pad_top"}, {"lo"}, {"hi"}, {"output", Buffer}};
constexpr ArgumentInfo kMean[] = {{"input", Buffer}, {"start"}, {"multiplier"}, {"left"}, {"right"}, {"zero_point"}, {"lo"}, {"hi"}, {"output", Buffer}};
// clang-format on

[[noreturn]] void fail(const std::string& line) { throw std::runtime_error("not a request for a kernel: " + line); }

}  // namespace

std::span<const ArgumentInfo> arguments_of(const KernelInfo& kernel) {
  switch (kernel.family) {
    case Family::Convolution:
    case Family::ConvolutionSum:
      return kConvolution;
    case Family::ConvolutionAdd:
      return kConvolutionAdd;
    case Family::Requantize:
      return kRequantize;
    case Family::Depthwise:
      if (is_arm(kernel.target)) return kDepthwiseArm;
      return kDepthwiseX86;
    case Family::DepthwiseAny:
    case Family::DepthwiseSum:
      return kDepthwiseAny;
    case Family::Sum:
      return kSum;
    case Family::SumAny:
      return kSumAny;
    case Family::Product:
      return kProduct;
    case Family::AveragePool:
      return kAveragePool;
    case Family::MaxPool:
      return kMaxPool;
    case Family::Mean:
      return kMean;
  }
  throw std::logic_error("family");
}

int position_of(const KernelInfo& kernel, std::string_view argument) {
  const std::span<const ArgumentInfo> all = arguments_of(kernel);
  const auto found = std::ranges::find(all, argument, &ArgumentInfo::name);
  if (found == all.end()) throw std::logic_error("no argument " + std::string(argument));
  return static_cast<int>(found - all.begin());
}

bool is_worth_telling(const KernelInfo& kernel, const KnownArgument& known) {
  const std::string_view argument = arguments_of(kernel)[static_cast<size_t>(known.argument)].name;
  const int dimension = known.dimension;
  const bool extent = known.what == What::Extent, stride = known.what == What::Stride;
  if (known.what == What::Contents)
    return !is_arm(kernel.target) && ((is_convolution(kernel.family) && argument == "runs") ||
                                      (kernel.family == Family::Sum && argument == "factors"));
  if (known.what == What::Distances) return is_convolution(kernel.family) && !is_arm(kernel.target);
  if (is_convolution(kernel.family)) {
    // Flat arrays have no shape; of the weights see promise_layout.cpp; that the stride of the channels' last dimension
    // is 0 no kernel may know (generators/rescale.h).
    if (argument == "input" || argument == "offsets") return false;
    if (argument == "weights") return !stride || dimension != 3;
    if (argument == "channels") return stride && dimension == 1;
  }
  if (kernel.family == Family::Depthwise) {
    // Of what lies in the image (generators/depthwise.h).
    if (argument == "input" && !is_arm(kernel.target)) return stride && dimension < 3;
    if (argument == "weights") return false;  // a number of vectors that LLVM does not know (x86_depthwise.cpp)
    if (argument == "channels") return stride && dimension == 1;
    // Of one channel Halide makes no vector, and instructions that narrow are of vectors alone (avx512vnni.ll).
    if (argument == "output" && extent && dimension == 0) return known.values.at(0) > 1;
  }
  if (kernel.family == Family::DepthwiseAny || kernel.family == Family::DepthwiseSum) {
    if (argument == "input" || argument == "offsets" || argument == "weights") return false;
    if (argument == "channels") return stride && dimension == 1;
  }
  // Numbers that are multiplied by each other: Halide folds them, and past 32 bits gives up.
  if (kernel.family == Family::SumAny || kernel.family == Family::Product || kernel.family == Family::Mean)
    return extent || stride;
  return known.what == What::Value || extent || stride;
}

std::string to_text_without_symbol(const KernelRequest& request) {
  std::ostringstream text;
  text << static_cast<int>(request.kernel.family) << ' ' << name_of(request.kernel.target);
  Schedule schedule = request.kernel.schedule;
  for_each_field(schedule, [&](const auto& field) { text << ' ' << static_cast<int>(field); });
  for (const KnownArgument& known : request.known) {
    text << ' ' << known.argument << static_cast<char>(known.what) << known.dimension;
    for (size_t i = 0; i < known.values.size(); i++) text << (i == 0 ? '=' : ',') << known.values[i];
  }
  return text.str();
}

std::string to_text(const KernelRequest& request) { return request.symbol + " " + to_text_without_symbol(request); }

KernelRequest parse_request(const std::string& line) {
  std::istringstream text(line);
  KernelRequest request;
  int family = -1, number = 0;
  std::string target;
  if (!(text >> request.symbol >> family >> target)) fail(line);
  const auto* const like =
      std::ranges::find_if(kManifest, [&](const KernelInfo& k) { return static_cast<int>(k.family) == family; });
  const auto* const same_target =
      std::ranges::find_if(kManifest, [&](const KernelInfo& k) { return name_of(k.target) == target; });
  if (like == std::end(kManifest) || same_target == std::end(kManifest)) fail(line);
  request.kernel.family = like->family;
  request.kernel.target = same_target->target;
  for_each_field(request.kernel.schedule, [&](auto& field) {
    if (!(text >> number)) fail(line);
    field = static_cast<std::remove_reference_t<decltype(field)>>(number);
  });
  for (KnownArgument known; text >> known.argument;) {
    char what = 0, separator = 0;
    if (!(text >> what >> known.dimension)) fail(line);
    known.what = static_cast<What>(what);
    known.values.clear();
    int64_t value = 0;
    while ((text.peek() == '=' || text.peek() == ',') && text >> separator >> value) known.values.push_back(value);
    if (known.values.empty()) fail(line);
    request.known.push_back(known);
  }
  if (!text.eof()) fail(line);
  return request;
}

}  // namespace octet
