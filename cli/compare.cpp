#include "cli/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/stats.h"
#include "cli/table.h"
#include "models/model.h"
#include "system/files.h"

namespace octet::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kAlpha = 0.01;       // chance of a false verdict among all rows
constexpr size_t kFewestSamples = 5;  // of fewer, p cannot fall below kAlpha

/// One benchmark of a file.
struct Series {
  std::string name;   // "resnet50/threads:1", "resnet50/threads:1/layer:3"
  std::string layer;  // "CONV_2D conv1/Relu", where the file says it
  std::string kind;   // what must be equal for a comparison to make sense: type and MACs, where the file says them
  int64_t family = 0;
  std::vector<double> milliseconds;

  /// What finds it in another file: a layer's number may differ there, where a pass takes out another.
  std::string key() const { return layer.empty() ? name : name.substr(0, name.rfind(':') + 1) + layer; }
};

struct Measurement {
  std::string file, machine;
  std::map<std::string, double> peaks;  // GMAC/s by number of threads, as far as it was measured
  std::vector<Series> series;           // in the file's order

  [[noreturn]] void fail(const std::string& what) const { throw ModelError(file + ": " + what); }
  const Series* find(const std::string& key) const {
    const auto found = std::ranges::find(series, key, &Series::key);
    return found == series.end() ? nullptr : &*found;
  }
};

double milliseconds_of(const Json& entry) {
  static const std::map<std::string, double> kUnits = {{"ns", 1e-6}, {"us", 1e-3}, {"ms", 1}, {"s", 1e3}};
  return entry.at("real_time").get<double>() * kUnits.at(entry.value("time_unit", "ns"));
}

/// Entries of one benchmark follow each other.
void add_entry(Measurement& m, const Json& entry) {
  if (entry.value("error_occurred", false)) return;
  const std::string name = entry.contains("run_name") ? entry["run_name"] : entry.at("name");
  const int64_t family = entry.value("family_index", int64_t{0});
  if (m.series.empty() || m.series.back().name != name || m.series.back().family != family)
    m.series.push_back({name, {}, {}, family, {}});
  Series& series = m.series.back();
  if (entry.value("run_type", "iteration") == "iteration") series.milliseconds.push_back(milliseconds_of(entry));
  if (entry.contains("layer")) series.layer = entry["layer"];
  if (!entry.contains("macs")) return;
  series.kind = fmt::format("{} MMAC", in_millions(entry["macs"].get<int64_t>()));
  if (entry.contains("input_type")) series.kind += ", " + entry["input_type"].get<std::string>();
}

void check(const Measurement& m) {
  if (m.series.empty()) m.fail("holds no benchmarks");
  for (const Series& s : m.series) {
    if (m.find(s.key()) != &s) m.fail(s.key() + " occurs twice");
    const size_t samples = s.milliseconds.size();
    if (samples < kFewestSamples) {
      m.fail(fmt::format("{} has {} sample{}, at least {} are needed (--runs)", s.name, samples,
                         samples == 1 ? "" : "s", kFewestSamples));
    }
  }
}

Measurement read(const std::string& file) {
  Measurement m{file, {}, {}, {}};
  const std::vector<std::byte> bytes = read_bytes(file);
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) m.fail("not JSON");
  try {
    const Json context = json.value("context", Json::object());
    m.machine = context.value("cpu_name", context.value("host_name", ""));
    const std::string target = context.value("target", context.value("octet_target", ""));
    if (!target.empty()) m.machine += ", " + target;
    m.peaks = context.value("peak_gmacs", m.peaks);
    for (const Json& entry : json.at("benchmarks")) add_entry(m, entry);
  } catch (const std::exception&) {  // a member is missing or of another type
    m.fail("not the JSON of `octet bench --json` or of google-benchmark");
  }
  std::erase_if(m.series, [](const Series& s) { return s.milliseconds.empty(); });
  check(m);
  return m;
}

struct Row {
  const Series *a, *b;
  Summary in_a, in_b;
  double p = 1;  // as the test gives it
};

Row row_of(const Series& a, const Series& b) {
  return {&a, &b, summarize(a.milliseconds), summarize(b.milliseconds), mann_whitney(a.milliseconds, b.milliseconds).p};
}

std::vector<Row> pair_up(const Measurement& a, const Measurement& b) {
  std::vector<Row> rows;
  for (const Series& in_a : a.series) {
    const Series* const in_b = b.find(in_a.key());
    if (in_b == nullptr) continue;
    if (in_a.kind != in_b->kind) {
      b.fail(fmt::format("{} is not what it is in {}: {} here, {} there", in_b->name, a.file, in_b->kind, in_a.kind));
    }
    rows.push_back(row_of(in_a, *in_b));
  }
  if (rows.empty()) {
    b.fail(fmt::format("nothing to compare with {}: {} here, {} there", a.file, b.series[0].name, a.series[0].name));
  }
  return rows;
}

const char* verdict(double ratio, double p, double min_change) {
  if (p >= kAlpha || std::abs(ratio - 1) <= min_change) return "no difference beyond noise";
  return ratio < 1 ? "faster" : "slower";
}

/// Layers stand under their network.
std::string label(const Series& s) {
  const size_t at = s.name.rfind("/layer:");
  if (s.layer.empty() || at == std::string::npos) return printable(s.name);
  const size_t space = std::min(s.layer.find(' '), s.layer.size() - 1);
  return fmt::format("  {} {}{}", s.name.substr(at + 7), printable(s.layer.substr(0, space + 1)),
                     short_name(std::string_view(s.layer).substr(space + 1)));
}

void print_rows(const std::vector<Row>& rows, double min_change) {
  std::vector<double> p;
  for (const Row& row : rows) p.push_back(row.p);
  p = holm(p);
  Table table;
  table.column("benchmark", Table::Align::Left);
  for (const char* heading : {"samples", "A min ms", "B min ms", "B / A", "A median ms", "B median ms", "B / A", "p"}) {
    table.column(heading);
  }
  table.column("B is", Table::Align::Left);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [a, b, in_a, in_b, ignored] = rows[i];
    const double ratio = in_b.median / in_a.median;
    table.row({label(*a), fmt::format("{}, {}", a->milliseconds.size(), b->milliseconds.size()), in_digits(in_a.min),
               in_digits(in_b.min), fmt::format("{:.3f}", in_b.min / in_a.min), in_digits(in_a.median),
               in_digits(in_b.median), fmt::format("{:.3f}", ratio), fmt::format("{:.2g}", p[i]),
               verdict(ratio, p[i], min_change)});
  }
  fmt::print("{}", table.text());
}

void print_lacking(const Measurement& m, const Measurement& other) {
  for (const Series& s : m.series) {
    if (other.find(s.key()) == nullptr) fmt::print("note: only in {}: {}\n", printable(m.file), printable(s.key()));
  }
}

/// Says where what ran the two was not the same, so that times alone do not tell the networks apart.
void print_doubts(const Measurement& a, const Measurement& b, double min_change) {
  if (a.machine != b.machine) fmt::print("note: measured on different machines or targets\n");
  for (const auto& [threads, in_a] : a.peaks) {
    const auto found = b.peaks.find(threads);
    if (found == b.peaks.end() || std::abs(found->second / in_a - 1) <= min_change) continue;
    fmt::print("note: the machine itself was not equally fast: peak on {} thread{} {:.1f} GMAC/s for A, {:.1f} for B\n",
               threads, threads == "1" ? "" : "s", in_a, found->second);
  }
}

}  // namespace

void compare(const std::string& file_a, const std::string& file_b, double min_change) {
  const Measurement a = read(file_a), b = read(file_b);
  const std::vector<Row> rows = pair_up(a, b);
  fmt::print("A: {} ({})\nB: {} ({})\n", printable(a.file), printable(a.machine), printable(b.file),
             printable(b.machine));
  fmt::print(
      "p: Mann-Whitney U over the samples, two-sided, Holm's correction over {} row{}; a difference: p < {} and "
      "medians more than {:g} % apart\n\n",
      rows.size(), rows.size() == 1 ? "" : "s", kAlpha, 100 * min_change);
  print_rows(rows, min_change);
  print_doubts(a, b, min_change);
  print_lacking(a, b);
  print_lacking(b, a);
}

}  // namespace octet::cli
