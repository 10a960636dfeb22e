#include "models/zoo.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "models/zoo/networks.h"

namespace octet {
namespace {

struct Multiplier {
  const char* text;
  double value;
};
constexpr Multiplier kMobilenetV1Multipliers[] = {{"0.25", 0.25}, {"0.5", 0.5}, {"0.75", 0.75}, {"1.0", 1.0}};
constexpr int32_t kMobilenetV1Resolutions[] = {128, 160, 192, 224};
constexpr Multiplier kMobilenetV2Multipliers[] = {{"0.35", 0.35}, {"0.5", 0.5}, {"0.75", 0.75},
                                                  {"1.0", 1.0},   {"1.3", 1.3}, {"1.4", 1.4}};
constexpr int32_t kMobilenetV2Resolutions[] = {96, 128, 160, 192, 224};
constexpr int32_t kResnetDepths[] = {18, 34, 50, 101, 152};

struct Recipe {
  ZooEntry entry;
  std::function<Model(const zoo::Order&)> build;
};

using MobilenetBuilder = Model (*)(const zoo::Order&, double, int32_t);

void add_mobilenets(std::vector<Recipe>& recipes, const std::string& name, const std::string& title,
                    std::span<const Multiplier> multipliers, std::span<const int32_t> resolutions,
                    MobilenetBuilder builder) {
  for (const Multiplier& multiplier : multipliers)
    for (int32_t resolution : resolutions) {
      const std::string pixels = std::to_string(resolution);
      ZooEntry entry{name + "_" + multiplier.text + "_" + pixels,
                     title + ", depth multiplier " + multiplier.text + ", " + pixels + "x" + pixels, resolution};
      recipes.push_back({std::move(entry), [=, value = multiplier.value](const zoo::Order& order) {
                           return builder(order, value, resolution);
                         }});
    }
}

void add_resnets(std::vector<Recipe>& recipes) {
  for (int32_t depth : kResnetDepths) {
    const std::string number = std::to_string(depth);
    const std::string version = depth < 50 ? "" : " v1.5";
    recipes.push_back({{"resnet" + number, "ResNet-" + number + version + ", 224x224", 224},
                       [=](const zoo::Order& order) { return zoo::resnet(order, depth); }});
  }
}

std::vector<Recipe> make_recipes() {
  std::vector<Recipe> recipes;
  add_mobilenets(recipes, "mobilenet_v1", "MobileNet v1", kMobilenetV1Multipliers, kMobilenetV1Resolutions,
                 zoo::mobilenet_v1);
  add_mobilenets(recipes, "mobilenet_v2", "MobileNet v2", kMobilenetV2Multipliers, kMobilenetV2Resolutions,
                 zoo::mobilenet_v2);
  add_resnets(recipes);
  recipes.push_back({{"inception_v3", "Inception v3, 299x299", 299}, zoo::inception_v3});
  for (Recipe& recipe : recipes)
    recipe.entry.macs = count_macs(recipe.build({.name = recipe.entry.name, .contents = zoo::Contents::ShapesOnly}));
  return recipes;
}

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> recipes = make_recipes();
  return recipes;
}

// Insertions, deletions and replacements that lead from one to the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

[[noreturn]] void throw_unknown(std::string_view name) {
  constexpr size_t kShown = 3;
  std::vector<std::string> names = zoo_names();
  std::ranges::stable_sort(names, {}, [name](const std::string& known) { return edit_distance(name, known); });
  std::string message = "no network \"" + std::string(name) + "\" in the zoo; near:";
  for (size_t i = 0; i < kShown; ++i) message += (i ? ", " : " ") + names[i];
  throw ModelError(message);
}

const Tensor& tensor_at(const Model& model, const std::vector<int32_t>& indices, size_t position) {
  return model.tensors[static_cast<size_t>(indices[position])];
}

}  // namespace

const std::vector<ZooEntry>& zoo_entries() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> entries;
    for (const Recipe& recipe : recipes()) entries.push_back(recipe.entry);
    return entries;
  }();
  return entries;
}

std::vector<std::string> zoo_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.entry.name);
  return names;
}

Model build_zoo(std::string_view name, DataType type, uint64_t seed) {
  for (const Recipe& recipe : recipes())
    if (recipe.entry.name == name) return recipe.build({.name = std::string(name), .type = type, .seed = seed});
  throw_unknown(name);
}

int64_t count_macs(const Model& model, const Operator& op) {
  const auto elements = [&](const Tensor& tensor) { return element_count(tensor.shape); };
  switch (op.code) {
    case OpCode::Conv2D:
    case OpCode::FullyConnected: {
      const Tensor& filter = tensor_at(model, op.inputs, 1);
      return elements(tensor_at(model, op.outputs, 0)) * (elements(filter) / filter.shape[0]);
    }
    case OpCode::DepthwiseConv2D: {
      const Tensor& filter = tensor_at(model, op.inputs, 1);
      return elements(tensor_at(model, op.outputs, 0)) * filter.shape[1] * filter.shape[2];
    }
    case OpCode::TransposeConv: {  // every input element meets every tap of its channel
      const Tensor& filter = tensor_at(model, op.inputs, 1);
      return elements(tensor_at(model, op.inputs, 2)) * (elements(filter) / filter.shape[3]);
    }
    default:
      return 0;
  }
}

int64_t count_macs(const Model& model) {
  int64_t macs = 0;
  for (const Operator& op : model.operators) macs += count_macs(model, op);
  return macs;
}

}  // namespace octet
