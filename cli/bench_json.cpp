#include "cli/bench_json.h"

#include <fmt/format.h>

#include "cli/machine.h"
#include "runtime/octet.h"
#include "runtime/peak.h"

namespace octet::cli {
namespace {

Json entry_of(const Family& family, const std::string& suffix, const char* run_type) {
  return {{"name", family.name + suffix}, {"family_index", family.index}, {"per_family_instance_index", 0},
          {"run_name", family.name},      {"run_type", run_type},         {"repetitions", family.repetitions},
          {"threads", family.threads}};
}

Json by_cpu(const std::vector<int>& cpus, const std::vector<double>& values) {
  Json object = Json::object();
  for (size_t i = 0; i < cpus.size(); ++i) object[std::to_string(cpus[i])] = values[i];
  return object;
}

std::vector<Json> fields_of(const std::vector<Sample>& samples, const std::vector<int>& sensed_cpus) {
  std::vector<Json> fields;
  for (const Sample& s : samples) fields.push_back(sample_fields(s, sensed_cpus));
  return fields;
}

void add_aggregates(Json& list, const Family& family, const std::vector<Sample>& samples, const Json& extras) {
  std::vector<double> wall, cpu;
  for (const Sample& s : samples) wall.push_back(s.wall), cpu.push_back(s.cpu);
  const Summary w = summarize(wall), c = summarize(cpu);
  const std::tuple<const char*, double, double> aggregates[] = {{"mean", w.mean, c.mean},
                                                                {"median", w.median, c.median},
                                                                {"stddev", w.standard_deviation, c.standard_deviation},
                                                                {"min", w.min, c.min},
                                                                {"p90", w.p90, c.p90}};
  for (const auto& [name, wall_time, cpu_time] : aggregates) {
    Json entry = entry_of(family, std::string("_") + name, "aggregate");
    entry["aggregate_name"] = name;
    entry["aggregate_unit"] = "time";
    entry["iterations"] = samples.size();
    entry["real_time"] = wall_time * 1e3;
    entry["cpu_time"] = cpu_time * 1e3;
    entry["time_unit"] = "ms";
    if (std::string_view(name) == "min") entry.update(extras);
    list.push_back(std::move(entry));
  }
}

Json extras_of(const Result& r) {
  const Plan& plan = *r.candidate->plan;
  Json extras = {{"input_type", plan.inputs().empty() ? "" : name_of(plan.inputs()[0].type)},
                 {"macs", plan.macs()},
                 {"gmacs_per_second", r.gmacs()},
                 {"load_ms", r.candidate->load_seconds * 1e3},
                 {"prepare_ms", r.prepare_seconds * 1e3},
                 {"first_ms", r.timing.first * 1e3},
                 {"compiled", r.candidate->compiled != nullptr},
                 {"cpus", to_cpu_list(r.cpus)},
                 {"arena_bytes", plan.memory().arena_bytes},
                 {"arena_lower_bound_bytes", plan.memory().lower_bound_bytes},
                 {"packed_weight_bytes", plan.packed_weight_bytes()},
                 {"file_weight_bytes", plan.file_weight_bytes()},
                 {"packed_bytes", plan.packed_bytes()}};
  if (!r.cpus_asked.empty()) extras["cpus_asked"] = r.cpus_asked;
  if (!r.cpus_label.empty()) extras["cpus_label"] = r.cpus_label;
  if (r.timing.samples.back().after.celsius || !r.sensed_cpus.empty()) extras["throttled"] = r.throttled;
  if (!r.note.empty()) extras["note"] = r.note;
  return extras;
}

/// A layer's processor time is not measured apart: its wall time stands for it.
std::vector<Sample> as_samples(const std::vector<double>& wall) {
  std::vector<Sample> samples;
  for (const double w : wall) samples.push_back({w, w});
  return samples;
}

}  // namespace

Json bench_context(const BenchOptions& options, Target target) {
  Json context = machine_context();
  context["octet_version"] = octet_version();
  context["target"] = name_of(target);
  context["passes_off"] = options.prepare.passes_off;
  context["peak_instruction"] = peak_instruction(target);
  return context;
}

void add_peaks(Json& context, const Peaks& peaks) {
  context["peak_gmacs"] = Json(peaks);
  context["peak_resident_bytes"] = peak_resident_bytes();
}

Json sample_fields(const Sample& sample, const std::vector<int>& sensed_cpus) {
  Json fields = {{"real_time", sample.wall * 1e3}, {"cpu_time", sample.cpu * 1e3}, {"time_unit", "ms"}};
  for (const auto& [when, reading] : {std::pair("before", &sample.before), std::pair("after", &sample.after)}) {
    if (!reading->mhz.empty()) {
      fields[std::string("mhz_") + when] = by_cpu(sensed_cpus, reading->mhz);
      fields[std::string("cap_mhz_") + when] = by_cpu(sensed_cpus, reading->cap_mhz);
    }
    if (reading->celsius) fields[std::string("celsius_") + when] = *reading->celsius;
  }
  return fields;
}

void add_samples(Json& list, const Family& family, const std::vector<Json>& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    Json entry = entry_of(family, "", "iteration");
    entry["repetition_index"] = i;
    entry["iterations"] = 1;
    entry.update(fields[i]);
    list.push_back(std::move(entry));
  }
}

void add_result(Json& list, size_t& index, const Result& r) {
  const Family whole{r.name, index++, r.threads, r.timing.samples.size()};
  add_samples(list, whole, fields_of(r.timing.samples, r.sensed_cpus));
  add_aggregates(list, whole, r.timing.samples, extras_of(r));
  for (size_t i = 0; i < r.timing.layers.size(); ++i) {
    const Step& step = r.candidate->plan->steps()[i];
    const std::vector<Sample> samples = as_samples(r.timing.layers[i]);
    const Family layer{fmt::format("{}/layer:{}", r.name, i), index++, r.threads, samples.size()};
    const double gmacs = layer_gmacs(step, summarize(r.timing.layers[i]).min);
    add_samples(list, layer, fields_of(samples, {}));
    add_aggregates(list, layer, samples,
                   {{"layer", step.layer}, {"kernel", step.kernel}, {"macs", step.macs}, {"gmacs_per_second", gmacs}});
  }
}

std::string to_text(const Json& json) { return json.dump(1, ' ', false, Json::error_handler_t::replace); }

}  // namespace octet::cli
