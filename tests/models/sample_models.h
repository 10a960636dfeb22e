// Small networks made in code, valid as files: what reader and writer are tested on, and what bad input is made from.
#pragma once

#include <vector>

#include "models/model.h"

namespace octet {

/// image (tensor 0) -> CONV_2D (weights 1, bias 2, out 3) -> AVERAGE_POOL_2D (4) -> SOFTMAX (5), int8, weights and bias
/// quantized per channel.
Model small_network();

/// Each operator that OpCode names once, with options other than the format's defaults. Operators do not feed each
/// other.
Model every_operator();

/// Custom and unknown operators, absent inputs, variables, scalars, shared and float and string contents.
Model odd_network();

std::vector<Model> sample_models();

}  // namespace octet
