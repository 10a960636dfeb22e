// Equality of networks, contents included; names of models are not compared, since files do not hold them.
#pragma once

#include <string>

#include "models/model.h"

namespace octet {

/// Empty where the networks are equal, else the first difference in one line.
std::string difference(const Model& a, const Model& b);

}  // namespace octet
