// Single layers cut out of networks, so that benchmarks run real shapes.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"

namespace octet {

struct Layer {
  std::string name;  // "CONV_2D/56x56x64/3x3s1/64": operator, input, filter and stride, output channels
  Model model;       // the one operator; its activations are inputs and outputs
};

/// The operators of a network that multiply, add or compare (not those that only move bytes), equal shapes once.
std::vector<Layer> cut_layers(const Model& network);

}  // namespace octet
