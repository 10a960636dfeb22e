// Single layers cut out of networks, so that benchmarks run real shapes.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "runtime/session.h"

namespace octet {

struct Layer {
  std::string name;  // "CONV_2D/56x56x64/3x3s1/64": operator, input, filter and stride, output channels
  Model model;       // the one operator; its activations are inputs and outputs
};

/// The operators of a network that multiply, add or compare (not those that only move bytes), equal shapes once.
std::vector<Layer> cut_layers(const Model& network);

/// Seconds that one run of a single layer takes, without the change of signs that a whole network needs at its ends
/// only (int8 activations on x86, uint8 ones on Arm).
double time_layer(Session& session);
/// The kernel that a single layer takes.
std::string kernel_of_layer(const Plan& plan);

}  // namespace octet
