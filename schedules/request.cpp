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
       {&s.pixels, &s.vectors, &s.step, &s.depth, &s.filter, &s.stride, &s.rows, &s.parts, &s.joined})
    function(*field);
  function(s.in_order);
  function(s.fixed_point);
  function(s.sliding);
  function(s.overlapping);
}

bool is_convolution(Family family) {
  return family == Family::Convolution || family == Family::ConvolutionAdd || family == Family::ConvolutionSum;
}

[[noreturn]] void fail(const std::string& line) { throw std::runtime_error("not a request for a kernel: " + line); }

}  // namespace

std::string_view arguments_of(Family family) {
  switch (family) {
    case Family::Convolution:
    case Family::ConvolutionSum:
      return "bbbbbiiiiiib";
    case Family::ConvolutionAdd:
      return "bbbbbiiiiiibbbhiiib";
    case Family::Requantize:
      return "bbiiib";
    case Family::Depthwise:
      return "biibbiiiib";
    case Family::DepthwiseAny:
    case Family::DepthwiseSum:
      return "bbbbiiiiiib";
    case Family::Sum:
      return "bbbbhiiib";
    case Family::SumAny:
      return "bbiiiiiiiiiiiiib";
    case Family::Product:
      return "bbiiiiiiiib";
    case Family::AveragePool:
      return "bbiiiiiiiiib";
    case Family::MaxPool:
      return "biiiiiiiib";
    case Family::Mean:
      return "biiiiiiib";
  }
  throw std::logic_error("family");
}

std::string argument_names(const KernelInfo& kernel) {
  constexpr std::string_view kConvolution =
      "input offsets runs weights channels excess fits_int16 width zero_point lo hi ";
  switch (kernel.family) {
    case Family::Convolution:
    case Family::ConvolutionSum:
      return std::string(kConvolution) + "output";
    case Family::ConvolutionAdd:
      return std::string(kConvolution) + "addend sum_factors sum_low_bytes sum_whole sum_fraction sum_lo sum_hi output";
    case Family::Requantize:
      return "sums channels zero_point lo hi output";
    case Family::Depthwise:
      return std::string("input pair_step odd_step weights channels ") +
             (is_arm(kernel.target) ? "fits_int16" : "doubled_row") + " zero_point lo hi output";
    case Family::DepthwiseAny:
    case Family::DepthwiseSum:
      return "input offsets weights channels groups pixel_step row_step zero_point lo hi output";
    case Family::Sum:
      return "a b factors low_bytes whole fraction lo hi output";
    case Family::SumAny:
      return "a b a_zero a_multiplier a_right b_zero b_multiplier b_right sign out_multiplier out_left out_right "
             "zero_point lo hi output";
    case Family::Product:
      return "a b a_zero b_zero out_multiplier out_left out_right zero_point lo hi output";
    case Family::AveragePool:
      return "input divisors k_w k_h stride_w stride_h pad_left pad_top offset lo hi output";
    case Family::MaxPool:
      return "input k_w k_h stride_w stride_h pad_left pad_top lo hi output";
    case Family::Mean:
      return "input start multiplier left right zero_point lo hi output";
  }
  throw std::logic_error("family");
}

bool is_worth_telling(const KernelInfo& kernel, const KnownArgument& known) {
  const int argument = known.argument, dimension = known.dimension;
  const int output = static_cast<int>(arguments_of(kernel.family).size()) - 1;
  const bool extent = known.what == What::Extent, stride = known.what == What::Stride;
  if (known.what == What::Contents)
    return (is_convolution(kernel.family) || kernel.family == Family::Sum) && argument == 2 && !is_arm(kernel.target);
  if (known.what == What::Distances) return is_convolution(kernel.family) && !is_arm(kernel.target);
  if (is_convolution(kernel.family)) {
    // Flat arrays have no shape; of the weights see promise_layout.cpp; that the stride of the channels' last dimension
    // is 0 no kernel may know (generators/rescale.h).
    if (argument <= 1) return false;
    if (argument == 3) return !stride || dimension != 3;
    if (argument == 4) return stride && dimension == 1;
  }
  if (kernel.family == Family::Depthwise) {
    // Of what lies in the image (generators/depthwise.h).
    if (argument == 0 && !is_arm(kernel.target)) return stride && dimension < 3;
    if (argument == 3) return false;  // a number of vectors that LLVM does not know (x86_depthwise.cpp)
    if (argument == 4) return stride && dimension == 1;
    // Of one channel Halide makes no vector, and instructions that narrow are of vectors alone (avx512vnni.ll).
    if (argument == output && extent && dimension == 0) return known.values.at(0) > 1;
  }
  if (kernel.family == Family::DepthwiseAny || kernel.family == Family::DepthwiseSum) {
    if (argument <= 2) return false;
    if (argument == 3) return stride && dimension == 1;
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
