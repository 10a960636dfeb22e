// A folder that vanishes.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace octet {

class WorkFolder {
 public:
  /// PARENT/<what>.<process>, made anew. Throws std::filesystem::filesystem_error.
  WorkFolder(const std::filesystem::path& parent, std::string_view what)
      : path(parent / fmt::format("{}.{}", what, getpid())) {
    std::filesystem::create_directories(path);
  }
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  /// Throws std::runtime_error.
  void write(const std::string& name, std::string_view text) const {
    std::ofstream file(path / name, std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.flush()) throw std::runtime_error((path / name).string() + ": cannot be written");
  }

  const std::filesystem::path path;
};

}  // namespace octet
