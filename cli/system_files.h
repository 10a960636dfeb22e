// Small files of /proc and /sys: this machine's, a phone's that were read over adb, or a test's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace octet::cli {

/// The contents of a file by its absolute path; "" where there is none or it may not be read (Android hides some).
using SystemFiles = std::function<std::string(const std::string& path)>;

/// This machine's. With `root`, those of a tree that looks like one.
SystemFiles local_files(const std::string& root = "");
SystemFiles files_of(std::map<std::string, std::string> contents);

/// "" where there is none.
std::string first_line(const SystemFiles& files, const std::string& path);
/// `otherwise` where there is none.
int64_t number_in(const SystemFiles& files, const std::string& path, int64_t otherwise);
int64_t leading_number(const std::string& text, int64_t otherwise);

/// "/sys/devices/system/cpu/cpu3/".
std::string cpu_folder(int cpu);

/// A field of /proc/cpuinfo: of CPU `cpu`, or of the first that has it.
std::string cpuinfo(const SystemFiles& files, const std::string& field, int cpu = -1);

}  // namespace octet::cli
