// A network as an ONNX file, in the form that ONNX Runtime's x86 and Arm kernels are fastest with: uint8 activations,
// int8 weights (uint8 ones less 128, their zero point too), QLinearConv and its like, channels first between transposes
// that ONNX Runtime takes out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/model.h"

namespace octet::peers {

/// Inputs are named "input0", ..., the first output "output": their shapes are the model's, their type is uint8. Throws
/// Unsupported.
std::string to_onnx(const Model& model);

}  // namespace octet::peers
