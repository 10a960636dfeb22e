// Whatever runs a network: Octet, or a peer that it is measured against. All take and give the bytes of the file's own
// types.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/model.h"
#include "runtime/target.h"

namespace octet::peers {

class Engine {
 public:
  virtual ~Engine() = default;

  virtual void set_input(size_t index, std::span<const std::byte> bytes) = 0;
  virtual void run() = 0;
  /// Seconds of one run.
  virtual double timed_run();
  /// The first output.
  virtual std::vector<std::byte> output() const = 0;
  /// What there is to say of it, e.g. a single layer's kernel.
  virtual std::string note() const { return {}; }
};

/// A network that a peer cannot run, or that this suite does not translate for it.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::unique_ptr<Engine> make_octet(const Model& model, int threads, Target target);

}  // namespace octet::peers
