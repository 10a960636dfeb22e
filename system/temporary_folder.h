// A folder that vanishes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace octet {

class TemporaryFolder {
 public:
  /// PARENT/<what>-<six letters>, made anew. Throws std::runtime_error.
  explicit TemporaryFolder(std::string_view what = "octet",
                           const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// Throws std::runtime_error.
  void write(const std::string& name, std::string_view text) const;

  const std::filesystem::path path;
};

}  // namespace octet
