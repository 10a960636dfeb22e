#include "tests/models/compare.h"

#include <algorithm>

namespace octet {
namespace {

std::string difference(const Tensor& a, const Tensor& b) {
  if (a.name != b.name) return "names " + a.name + " and " + b.name;
  if (a.type != b.type) return "types";
  if (a.shape != b.shape) return "shapes " + to_string(a.shape) + " and " + to_string(b.shape);
  if (a.quantization != b.quantization) return "quantization";
  if (a.is_variable != b.is_variable) return "is_variable";
  if (!std::ranges::equal(a.data, b.data)) return "contents";
  return "";
}

std::string difference(const Operator& a, const Operator& b) {
  if (a == b) return "";
  if (a.name() != b.name()) return "kinds " + a.name() + " and " + b.name();
  if (a.version != b.version) return "versions";
  if (a.inputs != b.inputs) return "inputs";
  if (a.outputs != b.outputs) return "outputs";
  if (a.options != b.options) return "options";
  return "custom options";
}

template <class Part>
std::string difference(const std::vector<Part>& a, const std::vector<Part>& b, const std::string& what) {
  if (a.size() != b.size()) return std::to_string(a.size()) + " and " + std::to_string(b.size()) + " " + what + "s";
  for (size_t i = 0; i < a.size(); ++i) {
    const std::string found = difference(a[i], b[i]);
    if (!found.empty()) return what + " " + std::to_string(i) + ": different " + found;
  }
  return "";
}

}  // namespace

std::string difference(const Model& a, const Model& b) {
  if (a.description != b.description) return "different descriptions";
  if (a.inputs != b.inputs) return "different inputs";
  if (a.outputs != b.outputs) return "different outputs";
  const std::string found = difference(a.tensors, b.tensors, "tensor");
  return found.empty() ? difference(a.operators, b.operators, "operator") : found;
}

}  // namespace octet
