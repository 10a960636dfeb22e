// Files in and out. Outputs appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octet {

/// A whole file. Throws ModelError (no such file, a directory, unreadable).
std::vector<std::byte> read_bytes(const std::filesystem::path& path);
/// The same as lines, without their ends.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Files that a command writes: temporary ones first, renamed by commit(). Without commit() nothing stays behind.
/// Throws std::runtime_error where something cannot be written.
class Outputs {
 public:
  Outputs() = default;
  ~Outputs();
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  /// Makes sure that `path` can be written, before any work is done. Optional.
  void reserve(const std::filesystem::path& path);
  /// The same for a folder, which is made where there is none.
  void reserve_folder(const std::filesystem::path& path);
  void write(const std::filesystem::path& path, std::span<const std::byte> bytes);
  void write(const std::filesystem::path& path, std::string_view text);
  void commit();

 private:
  struct File {
    std::filesystem::path path, temporary;
  };
  const File& file_for(const std::filesystem::path& path);

  std::vector<File> files_;
  std::vector<std::filesystem::path> new_folders_;  // innermost first
};

}  // namespace octet
