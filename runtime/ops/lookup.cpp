// Any function of one 8-bit value, as a table of 256 bytes. Tables that are simpler than that (a flipped sign, a range)
// become loops that vectorize.
#include <algorithm>
#include <optional>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

bool is_flip(const Lookup& op) {
  for (size_t q = 0; q < 256; ++q) {
    if (op.table[q] != (q ^ 0x80)) return false;
  }
  return true;
}

template <typename T>
struct Range {
  T lo, hi;
};

/// The range of a table that does nothing but clamp values of type T.
template <typename T>
std::optional<Range<T>> range_of(const Lookup& op) {
  const auto at = [&](int32_t q) { return static_cast<T>(op.table[static_cast<uint8_t>(q)]); };
  constexpr int32_t kLowest = std::is_signed_v<T> ? -128 : 0;
  const Range<T> range{at(kLowest), at(kLowest + 255)};
  if (range.lo > range.hi) return std::nullopt;
  for (int32_t q = kLowest; q < kLowest + 256; ++q) {
    if (at(q) != std::clamp<int32_t>(q, range.lo, range.hi)) return std::nullopt;
  }
  return range;
}

}  // namespace

void plan(const Lookup& op, const Node& node, PlanBuilder& builder) {
  using Form = LookupStep::Form;
  const Tensor& output = builder.tensor(node.outputs[0]);
  LookupStep work{.form = Form::Table,
                  .input = node.inputs[0],
                  .output = node.outputs[0],
                  .lo = 0,
                  .hi = 0,
                  .table = {},
                  .count = element_count(output.shape)};
  const auto clamp_to = [&](Form form, auto range) {
    work.form = form;
    work.lo = range.lo;
    work.hi = range.hi;
    return kernel_name("clamp", output.type);
  };
  std::string kernel;
  if (is_flip(op)) {
    work.form = Form::FlipSign;
    kernel = "flip_sign";
  } else if (const auto unsigned_range = range_of<uint8_t>(op); unsigned_range && output.type == DataType::UInt8) {
    kernel = clamp_to(Form::ClampUnsigned, *unsigned_range);
  } else if (const auto signed_range = range_of<int8_t>(op); signed_range && output.type == DataType::Int8) {
    kernel = clamp_to(Form::ClampSigned, *signed_range);
  } else {
    work.table = builder.keep_array<uint8_t>(op.table).first;
    kernel = kernel_name("lookup", output.type);
  }
  Step step = builder.step_for(node, kernel);
  step.in_place = true;
  step.work = work;
  builder.add(std::move(step));
}

}  // namespace octet
