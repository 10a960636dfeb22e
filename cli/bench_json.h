// The results of `octet bench` as google-benchmark's JSON, with fields of our own behind its own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/bench.h"

namespace octet::cli {

using Json = nlohmann::ordered_json;

/// What is known before anything was measured.
Json bench_context(const BenchOptions& options, Target target);
/// And what the measurements add.
void add_peaks(Json& context, const Peaks& peaks);

/// What makes a benchmark's entries belong together.
struct Family {
  std::string name;
  size_t index;
  int threads;
  size_t repetitions;
};

/// Of a sample: real_time, cpu_time, time_unit; mhz and celsius, before and after, where they can be read.
Json sample_fields(const Sample& sample, const std::vector<int>& sensed_cpus);

/// Adds an entry a sample.
void add_samples(Json& list, const Family& family, const std::vector<Json>& fields);

/// Adds all entries of a result: samples, aggregates, and those of its layers. `index`: of the next family.
void add_result(Json& list, size_t& index, const Result& result);

std::string to_text(const Json& json);

}  // namespace octet::cli
