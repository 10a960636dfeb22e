#include "system/files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "models/model.h"

namespace octet {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
  throw std::runtime_error(path.string() + ": cannot be written: " + why);
}

}  // namespace

std::vector<std::byte> read_bytes(const fs::path& path) {
  const auto fail = [&](const std::string& what) { throw ModelError(path.string() + ": " + what); };
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail("no such file");
  if (fs::is_directory(status)) fail("is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(std::string("cannot be opened: ") + std::strerror(errno));
  std::vector<std::byte> bytes;
  char chunk[1 << 16];
  while (in.read(chunk, sizeof chunk), in.gcount() > 0) {
    const auto* const begin = reinterpret_cast<const std::byte*>(chunk);
    bytes.insert(bytes.end(), begin, begin + in.gcount());
  }
  if (in.bad()) fail("cannot be read to its end");
  return bytes;
}

std::vector<std::string> read_lines(const fs::path& path) {
  std::vector<std::string> lines;
  std::string line;
  const auto finish = [&] {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    line.clear();
  };
  for (const std::byte b : read_bytes(path)) {
    if (b == std::byte{'\n'}) {
      finish();
    } else {
      line += static_cast<char>(b);
    }
  }
  if (!line.empty()) finish();
  return lines;
}

Outputs::~Outputs() {
  for (const File& file : files_) {
    std::error_code ignored;
    fs::remove(file.temporary, ignored);
  }
  for (const fs::path& folder : new_folders_) {
    std::error_code ignored;
    fs::remove(folder, ignored);
  }
}

const Outputs::File& Outputs::file_for(const fs::path& path) {
  const auto known = std::ranges::find(files_, path, &File::path);
  if (known != files_.end()) return *known;
  fs::path temporary = path;
  temporary += "." + std::to_string(getpid()) + ".tmp";
  return files_.emplace_back(File{path, temporary});
}

void Outputs::reserve(const fs::path& path) {
  if (fs::is_directory(path)) fail_to_write(path, "is a directory");
  const File& file = file_for(path);
  std::ofstream out(file.temporary, std::ios::binary);
  if (!out) fail_to_write(path, std::strerror(errno));
}

void Outputs::reserve_folder(const fs::path& path) {
  std::error_code error;
  for (fs::path at = fs::absolute(path).lexically_normal(); !fs::exists(at, error) && !error; at = at.parent_path())
    new_folders_.push_back(at);
  if (!error) fs::create_directories(path, error);
  if (error) fail_to_write(path, error.message());
  if (access(path.c_str(), W_OK | X_OK) != 0) fail_to_write(path, std::strerror(errno));
}

void Outputs::write(const fs::path& path, std::span<const std::byte> bytes) {
  reserve(path);
  std::ofstream out(file_for(path).temporary, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) fail_to_write(path, std::strerror(errno));
}

void Outputs::write(const fs::path& path, std::string_view text) {
  write(path, std::as_bytes(std::span(text.data(), text.size())));
}

void Outputs::commit() {
  for (const File& file : files_) {
    std::error_code error;
    fs::rename(file.temporary, file.path, error);
    if (error) fail_to_write(file.path, error.message());
  }
  files_.clear();
  new_folders_.clear();
}

}  // namespace octet
