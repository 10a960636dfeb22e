#include "cli/classes.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "system/files.h"

namespace octet::cli {
namespace {

template <typename T>
float element(std::span<const std::byte> bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return static_cast<float>(value);
}

float stored_value(DataType type, std::span<const std::byte> bytes, size_t index) {
  switch (type) {
    case DataType::UInt8:
      return element<uint8_t>(bytes, index);
    case DataType::Int8:
      return element<int8_t>(bytes, index);
    default:
      return element<float>(bytes, index);
  }
}

float real_value(const TensorInfo& tensor, std::span<const std::byte> bytes, size_t index) {
  const float stored = stored_value(tensor.type, bytes, index);
  const Quantization& q = tensor.quantization;
  return q.scale.size() == 1 ? q.scale[0] * (stored - static_cast<float>(q.zero_point[0])) : stored;
}

}  // namespace

bool is_class_list(const TensorInfo& output) {
  const bool number =
      output.type == DataType::UInt8 || output.type == DataType::Int8 || output.type == DataType::Float32;
  return number && !output.shape.empty() && output.shape.back() >= 2 &&
         element_count(output.shape) == output.shape.back();
}

std::vector<Class> top_classes(const TensorInfo& output, std::span<const std::byte> bytes, size_t count) {
  std::vector<Class> classes;
  for (size_t i = 0; i < static_cast<size_t>(output.shape.back()); ++i) {
    classes.push_back({i, real_value(output, bytes, i)});
  }
  count = std::min(count, classes.size());
  const auto better = [](const Class& a, const Class& b) {
    return a.score != b.score ? a.score > b.score : a.index < b.index;
  };
  std::partial_sort(classes.begin(), classes.begin() + static_cast<std::ptrdiff_t>(count), classes.end(), better);
  classes.resize(count);
  return classes;
}

std::vector<std::string> read_labels(const std::filesystem::path& path) {
  std::vector<std::string> labels = read_lines(path);
  if (labels.empty()) throw ModelError(path.string() + ": is empty; it must have one label a line");
  return labels;
}

}  // namespace octet::cli
