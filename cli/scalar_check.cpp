#include "cli/scalar_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/reference/reference.h"

namespace octet::cli {
namespace {

bool is_constant(const Model& model, int32_t tensor) {
  return tensor < 0 || !model.tensors[static_cast<size_t>(tensor)].data.empty();
}

/// The tensor of the file that the step computes: what it writes, but for the sign.
int32_t tensor_of(const Model& model, const Plan& plan, size_t step) {
  const auto in_file = [&](int32_t tensor) { return tensor < std::ssize(model.tensors); };
  const int32_t written = plan.steps()[step].writes.at(0);
  if (in_file(written)) return written;
  for (const Step& next : plan.steps()) {
    const bool flips = next.layer.starts_with("FLIP_SIGN") && next.reads == std::vector<int32_t>{written};
    if (flips && in_file(next.writes[0])) return next.writes[0];
  }
  return -1;
}

/// Those operators alone that make `wanted` of tensors that the session has.
Model part_that_makes(const Model& model, const Session& session, int32_t wanted) {
  Model part{.name = model.name,
             .description = {},
             .tensors = model.tensors,
             .operators = {},
             .inputs = {},
             .outputs = {wanted},
             .storage = model.storage};
  std::set<int32_t> missing = {wanted};
  std::set<int32_t> inputs;
  for (size_t i = model.operators.size(); i-- > 0;) {
    const Operator& op = model.operators[i];
    if (std::ranges::none_of(op.outputs, [&](int32_t t) { return missing.contains(t); })) continue;
    part.operators.insert(part.operators.begin(), op);
    for (const int32_t input : op.inputs) {
      if (!is_constant(model, input)) (session.tensor(input).empty() ? missing : inputs).insert(input);
    }
  }
  part.inputs.assign(inputs.begin(), inputs.end());
  return part;
}

std::string difference(const std::vector<std::byte>& expected, const std::vector<std::byte>& got) {
  const auto [e, g] = std::ranges::mismatch(expected, got);
  if (e == expected.end() && g == got.end()) return "";
  const auto first = e - expected.begin();
  if (g == got.end()) return fmt::format("{} bytes, not {}", got.size(), expected.size());
  return fmt::format("byte {} is {}, not {}", first, static_cast<int>(*g), static_cast<int>(*e));
}

}  // namespace

std::string differs_from_scalar(const Model& model, const Session& session, size_t step, bool& told) {
  told = false;
  const int32_t tensor = tensor_of(model, session.plan(), step);
  if (tensor < 0) return "what the layer writes is no tensor of the file";
  try {
    const Model part = part_that_makes(model, session, tensor);
    std::vector<std::vector<std::byte>> inputs;
    for (const int32_t input : part.inputs) inputs.push_back(session.tensor(input));
    const ReferenceResult result = run_reference(part, inputs);
    told = true;
    return difference(result.tensors[static_cast<size_t>(tensor)], session.tensor(tensor));
  } catch (const ModelError& e) {  // what the reference does not know
    return e.what();
  }
}

}  // namespace octet::cli
