// The peers that this build knows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/peers/engine.h"

namespace octet::peers {

struct Peer {
  std::string name;
  std::unique_ptr<Engine> (*make)(const Model& model, int threads);
  std::string version = {};  // where its library says it
};

std::vector<Peer> known_peers();

}  // namespace octet::peers
