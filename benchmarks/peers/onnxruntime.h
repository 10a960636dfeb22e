#pragma once

#include <memory>
#include <string>

#include "benchmarks/peers/engine.h"

namespace octet::peers {

/// The network in ONNX Runtime, the library that the build was given. Throws Unsupported.
std::unique_ptr<Engine> make_onnxruntime(const Model& model, int threads);

std::string onnxruntime_version();

}  // namespace octet::peers
