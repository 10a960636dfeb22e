// write_sample_models DIRECTORY: the sample networks as files, to start fuzzing from.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "models/tflite_writer.h"
#include "tests/models/sample_models.h"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: write_sample_models DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path directory = arguments[1];
  std::filesystem::create_directories(directory);
  for (const octet::Model& model : octet::sample_models()) {
    const auto bytes = octet::write_tflite(model);
    std::ofstream out(directory / (model.name + ".tflite"), std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out) {
      std::fprintf(stderr, "%s cannot be written\n", arguments[1]);
      return 1;
    }
  }
}
