// An independent reference for every operator that Octet runs: plain scalar loops written from the numeric contract,
// sharing nothing with the generators, the schedules and the runtime. The oracle of the project's tests.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/model.h"

namespace octet {

struct ReferenceResult {
  /// Contents by tensor index: every graph input and everything that an operator computed. Constants (unless they are
  /// graph outputs) and tensors that nothing computes stay empty.
  std::vector<std::vector<std::byte>> tensors;
};

/// Runs the model on raw input bytes, in the order of Model::inputs.
/// Throws ModelError for operators, types and options that the reference does not cover, and for inconsistent shapes.
ReferenceResult run_reference(const Model& model, std::span<const std::vector<std::byte>> inputs);

}  // namespace octet
