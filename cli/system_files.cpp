#include "cli/system_files.h"

#include <charconv>
#include <fstream>
#include <sstream>

namespace octet::cli {

SystemFiles local_files(const std::string& root) {
  return [root](const std::string& path) {
    std::ifstream in(root + path, std::ios::binary);
    std::string text;
    char chunk[4096];
    // Not by iterators, which throw where a read fails: of a core that is off, of a sensor that is busy.
    while (in.read(chunk, sizeof chunk), in.gcount() > 0) text.append(chunk, static_cast<size_t>(in.gcount()));
    return text;
  };
}

SystemFiles files_of(std::map<std::string, std::string> contents) {
  return [contents = std::move(contents)](const std::string& path) {
    const auto found = contents.find(path);
    return found == contents.end() ? std::string() : found->second;
  };
}

std::string first_line(const SystemFiles& files, const std::string& path) {
  std::string text = files(path);
  return text.substr(0, text.find_first_of(std::string("\n\0", 2)));  // the device tree ends texts with a zero
}

int64_t leading_number(const std::string& text, int64_t otherwise) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? value : otherwise;
}

int64_t number_in(const SystemFiles& files, const std::string& path, int64_t otherwise) {
  return leading_number(first_line(files, path), otherwise);
}

std::string cpu_folder(int cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/"; }

std::string cpuinfo(const SystemFiles& files, const std::string& field, int cpu) {
  std::istringstream in(files("/proc/cpuinfo"));
  int64_t at = -1;
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("processor")) at = leading_number(value, -1);
    if (line.starts_with(field) && (cpu < 0 || at == cpu)) return value;
  }
  return "";
}

}  // namespace octet::cli
