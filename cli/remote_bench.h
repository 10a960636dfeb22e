// `octet bench --device`: the same command, run on another machine; this end brings what is missing there and receives
// the results as they come (stream.h).
#pragma once

#include "cli/bench.h"

namespace octet::cli {

/// Prints the device's tables and writes the JSON. Where the device goes away half-way, or the user stops it, writes
/// the samples so far, then throws std::runtime_error.
void bench_on_device(const BenchOptions& options);

/// The arguments of `command`, as parsed, that hold on the device too: all options but those about files and devices
/// here.
std::vector<std::string> arguments_for_device(const CLI::App& command);

/// The architecture that a program is for, as `uname -m` says it; "script" where it begins with #!; "" where it is
/// neither that nor an ELF file of a known one.
std::string machine_of_program(const std::string& file);

}  // namespace octet::cli
