#include "tests/data.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>
#include <stdexcept>

namespace octet {
namespace {

namespace fs = std::filesystem;

std::vector<std::vector<std::byte>> numbered_files(const RecordedCase& recorded, const std::string& kind) {
  std::vector<std::vector<std::byte>> files;
  while (true) {
    const fs::path path = recorded.stem.string() + "." + kind + std::to_string(files.size()) + ".bin";
    if (!fs::exists(path)) return files;
    files.push_back(read_file(path));
  }
}

std::vector<fs::path> files_with_ending(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().ends_with(ending)) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string without_ending(const fs::path& path, const std::string& ending) {
  const std::string text = path.string();
  return text.substr(0, text.size() - ending.size());
}

}  // namespace

std::optional<fs::path> data_folder() {
  const char* named = std::getenv("OCTET_DATA");
  const fs::path path = named != nullptr ? fs::path(named) : fs::path(OCTET_SOURCE_DIR) / ".." / "shared" / "data";
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return std::nullopt;
  return path;
}

std::string no_data_message() {
  return "no data folder: set OCTET_DATA, or put it at ../shared/data beside the sources";
}

std::vector<std::byte> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> result(bytes.size());
  std::transform(bytes.begin(), bytes.end(), result.begin(), [](char c) { return static_cast<std::byte>(c); });
  return result;
}

std::ostream& operator<<(std::ostream& stream, const RecordedCase& recorded) { return stream << recorded.name; }

std::vector<RecordedCase> operator_cases() {
  std::vector<RecordedCase> cases;
  const std::optional<fs::path> data = data_folder();
  if (!data || !fs::is_directory(*data / "ops")) return cases;
  for (const fs::path& path : files_with_ending(*data / "ops", ".tflite")) {
    cases.push_back({path.stem().string(), path, without_ending(path, ".tflite")});
  }
  return cases;
}

std::vector<RecordedCase> network_cases() {
  std::vector<RecordedCase> cases;
  const std::optional<fs::path> data = data_folder();
  if (!data || !fs::is_directory(*data / "golden")) return cases;
  for (const fs::path& path : files_with_ending(*data / "golden", ".in0.bin")) {
    const fs::path stem = without_ending(path, ".in0.bin");
    const std::string name = stem.filename().string();
    const std::string model = name.substr(0, name.rfind('.'));  // a model's name may have dots, a case's has none
    cases.push_back({name, *data / "models" / (model + ".tflite"), stem});
  }
  return cases;
}

std::vector<std::vector<std::byte>> recorded_inputs(const RecordedCase& recorded) {
  return numbered_files(recorded, "in");
}

std::vector<std::vector<std::byte>> recorded_outputs(const RecordedCase& recorded) {
  return numbered_files(recorded, "out");
}

std::vector<RecordedTensor> recorded_intermediates(const RecordedCase& recorded) {
  std::vector<RecordedTensor> tensors;
  std::ifstream index(recorded.stem.string() + ".all.csv");
  if (!index) return tensors;
  const std::vector<std::byte> contents = read_file(recorded.stem.string() + ".all.bin");
  std::string line;
  std::getline(index, line);  // tensor,type,dims,scale,zero_point,file
  while (std::getline(index, line)) {
    std::vector<std::string> fields;
    std::istringstream split(line);
    for (std::string field; std::getline(split, field, ',');) fields.push_back(field);
    if (fields.size() != 6) throw std::runtime_error("unexpected line in " + recorded.stem.string() + ".all.csv");
    const size_t colon = fields[5].find(':');  // offset:bytes
    const size_t offset = std::stoull(fields[5]), size = std::stoull(fields[5].substr(colon + 1));
    if (offset + size > contents.size()) throw std::runtime_error(recorded.stem.string() + ".all.bin is too short");
    const auto first = contents.begin() + static_cast<std::ptrdiff_t>(offset);
    tensors.push_back({std::stoull(fields[0]), {first, first + static_cast<std::ptrdiff_t>(size)}});
  }
  return tensors;
}

}  // namespace octet
