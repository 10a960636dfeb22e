#pragma once

#include <memory>

#include "benchmarks/peers/engine.h"

namespace octet::peers {

/// The network as a subgraph of XNNPACK, the library that the build found. Throws Unsupported.
std::unique_ptr<Engine> make_xnnpack(const Model& model, int threads);

}  // namespace octet::peers
