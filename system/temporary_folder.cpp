#include "system/temporary_folder.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace octet {
namespace {

std::filesystem::path made(const std::filesystem::path& parent, std::string_view what) {
  std::filesystem::create_directories(parent);
  std::string name = (parent / what).string() + "-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error(name + ": cannot be created");
  return name;
}

}  // namespace

TemporaryFolder::TemporaryFolder(std::string_view what, const std::filesystem::path& parent)
    : path(made(parent, what)) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

void TemporaryFolder::write(const std::string& name, std::string_view text) const {
  std::ofstream file(path / name, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.flush()) throw std::runtime_error((path / name).string() + ": cannot be written");
}

}  // namespace octet
