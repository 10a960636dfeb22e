#include "tests/conformance/run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "runtime/session.h"

namespace octet {

namespace {

/// Floats may differ by this (the contract's bound for float outputs); all else is equal to the bit.
constexpr float kFloatTolerance = 1e-5f;

bool equal_element(const std::byte* a, const std::byte* b, size_t size, DataType type) {
  if (type != DataType::Float32) return std::memcmp(a, b, size) == 0;
  float x, y;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= kFloatTolerance * std::max(1.0f, std::abs(x));
}

}  // namespace

std::vector<Target> targets_under_test() {
  std::vector<Target> targets;
  if (const char* names = std::getenv("OCTET_TARGETS")) {
    std::stringstream list(names);
    for (std::string name; std::getline(list, name, ',');) targets.push_back(parse_target(name));
    return targets;
  }
  std::ranges::copy_if(compiled_targets(), std::back_inserter(targets), cpu_supports);
  return targets;
}

std::vector<Bytes> run_on(const Model& model, std::span<const Bytes> inputs, Target target, const RunOptions& options) {
  PlanOptions plan_options;
  plan_options.target = target;
  plan_options.cores = options.cores;
  plan_options.passes_off = options.passes_off;
  plan_options.fuse_blocks_bytes = options.fuse_blocks_bytes;
  plan_options.kernels = options.kernels;
  Session session(Plan::make(model, plan_options), options.threads);
  for (size_t i = 0; i < inputs.size(); i++) std::ranges::copy(inputs[i], session.input(i).begin());
  session.run();
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < model.outputs.size(); i++) {
    const auto out = session.output(i);
    outputs.emplace_back(out.begin(), out.end());
  }
  return outputs;
}

std::string difference(const Bytes& expected, const Bytes& actual, DataType type) {
  if (expected.size() != actual.size())
    return "expected " + std::to_string(expected.size()) + " bytes, got " + std::to_string(actual.size());
  const size_t size = std::max<size_t>(1, size_of(type));
  size_t different = 0, first = 0;
  for (size_t i = 0; i + size <= expected.size(); i += size) {
    if (equal_element(expected.data() + i, actual.data() + i, size, type)) continue;
    if (different++ == 0) first = i / size;
  }
  if (different == 0) return {};
  return std::to_string(different) + " of " + std::to_string(expected.size() / size) +
         " elements differ, the first at " + std::to_string(first);
}

}  // namespace octet
