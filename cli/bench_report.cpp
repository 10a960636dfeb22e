#include "cli/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "cli/machine.h"
#include "cli/table.h"
#include "runtime/peak.h"

namespace octet::cli {
namespace {

std::string milliseconds(double seconds) { return in_digits(seconds * 1e3); }

/// "76.3", or "-" where no peak was measured or nothing multiplied.
std::string share_of_peak(double gmacs, const Peaks& peaks, const std::string& key) {
  const auto peak = peaks.find(key);
  return peak == peaks.end() || gmacs == 0 ? "-" : fmt::format("{:.1f}", 100 * gmacs / peak->second);
}

std::string megabytes(int64_t bytes) { return fmt::format("{:.2f}", static_cast<double>(bytes) / (1 << 20)); }

std::string machine_line(const std::vector<Result>& results, const Peaks& peaks) {
  const Target target = results[0].candidate->plan->target();
  std::string text = fmt::format("{}, {}", cpu_name(), name_of(target));
  std::set<std::string> told;
  for (const Result& r : results) {
    const auto peak = peaks.find(r.peak_key());
    if (peak == peaks.end() || !told.insert(peak->first).second) continue;
    text += fmt::format("{} {:.1f} GMAC/s on {} {}{}", told.size() == 1 ? "; peak" : ",", peak->second, r.threads,
                        r.cpus_label.empty() ? "thread" : r.cpus_label + " thread", r.threads == 1 ? "" : "s");
  }
  if (!told.empty()) text += fmt::format(" ({})", peak_instruction(target));
  return text + "\n\n";
}

std::string results_table(const std::vector<Result>& results, const Peaks& peaks) {
  Table table;
  table.column("network", Table::Align::Left);
  for (const char* heading : {"threads", "CPUs", "load ms", "prepare ms", "first ms", "runs", "min ms", "median ms",
                              "p90 ms", "MMAC", "GMAC/s", "% of peak", "arena MiB", "weights MiB"}) {
    table.column(heading);
  }
  for (const Result& r : results) {
    const Plan& plan = *r.candidate->plan;
    table.row({printable(r.candidate->name), std::to_string(r.threads), to_cpu_list(r.cpus),
               milliseconds(r.candidate->load_seconds), milliseconds(r.prepare_seconds), milliseconds(r.timing.first),
               std::to_string(r.timing.samples.size()), milliseconds(r.summary.min), milliseconds(r.summary.median),
               milliseconds(r.summary.p90), in_millions(plan.macs()), in_digits(r.gmacs()),
               share_of_peak(r.gmacs(), peaks, r.peak_key()), megabytes(plan.memory().arena_bytes),
               megabytes(plan.packed_bytes())});
  }
  return table.text();
}

/// "net", or "net on big": what a note is about.
std::string subject(const Result& r) {
  return printable(r.candidate->name) + (r.cpus_asked.empty() ? "" : " on " + r.cpus_asked);
}

/// Says where times are not to be trusted: other processes took much of the CPU, or the cores slowed down.
std::string doubts(const std::vector<Result>& results) {
  constexpr double kEnough = 0.9;
  std::string text;
  for (const Result& r : results) {
    const std::string name = subject(r);
    if (!r.note.empty()) text += fmt::format("note: {}: {}\n", name, r.note);
    if (!r.throttled.empty()) text += fmt::format("note: {} was throttled: {}\n", name, r.throttled);
    double wall = 0, cpu = 0;
    for (const Sample& s : r.timing.samples) wall += s.wall, cpu += s.cpu;
    if (r.threads > 1 || cpu >= kEnough * wall) continue;  // of several threads, some may have had nothing to do
    text +=
        fmt::format("note: {} had its CPU for {:.0f} % of the time only; others use it too\n", name, 100 * cpu / wall);
  }
  return text;
}

std::string range_of(std::span<const Sample> samples, double (*value)(const Sample&)) {
  double low = 0, high = 0;
  for (const Sample& s : samples) {
    const double v = value(s);
    if (v <= 0) continue;
    low = low == 0 ? v : std::min(low, v);
    high = std::max(high, v);
  }
  if (high == 0) return "-";
  return high - low < 0.5 ? fmt::format("{:.0f}", high) : fmt::format("{:.0f}-{:.0f}", low, high);
}

/// How times, frequency and temperature went on, by tenths of the samples.
std::string course(const Result& r) {
  const std::span<const Sample> all = r.timing.samples;
  std::string text = fmt::format("\n{}, {} thread{}: {} samples in the order taken\n", subject(r), r.threads,
                                 r.threads == 1 ? "" : "s", all.size());
  Table table;
  for (const char* heading : {"samples", "min ms", "median ms", "p90 ms", "MHz", "C"}) table.column(heading);
  for (size_t part = 0; part < 10; ++part) {
    const size_t begin = part * all.size() / 10, end = (part + 1) * all.size() / 10;
    if (begin == end) continue;
    const std::span<const Sample> samples = all.subspan(begin, end - begin);
    std::vector<double> wall;
    for (const Sample& s : samples) wall.push_back(s.wall);
    const Summary summary = summarize(wall);
    table.row({fmt::format("{}-{}", begin, end - 1), milliseconds(summary.min), milliseconds(summary.median),
               milliseconds(summary.p90),
               range_of(samples, [](const Sample& s) { return s.after.mhz.empty() ? 0 : s.after.mhz.back(); }),
               range_of(samples, [](const Sample& s) { return s.after.celsius.value_or(0); })});
  }
  return text + table.text();
}

std::string layers_table(const Result& result, const Peaks& peaks) {
  const std::vector<Step>& steps = result.candidate->plan->steps();
  std::vector<Summary> layers;
  double total = 0;
  for (const auto& samples : result.timing.layers) total += layers.emplace_back(summarize(samples)).min;
  const std::string heading =
      fmt::format("\n{}, {} thread{}: minima of {} runs stopped at each layer\n", subject(result), result.threads,
                  result.threads == 1 ? "" : "s", layers.empty() ? 0 : result.timing.layers[0].size());
  Table table;
  for (const char* heading : {"#", "min us", "median us", "share %", "MMAC", "GMAC/s", "% of peak"}) {
    table.column(heading);
  }
  table.column("kernel", Table::Align::Left);
  table.column("layer", Table::Align::Left);
  for (size_t i = 0; i < steps.size(); ++i) {
    const double gmacs = layer_gmacs(steps[i], layers[i].min);
    table.row({std::to_string(i), in_digits(layers[i].min * 1e6), in_digits(layers[i].median * 1e6),
               fmt::format("{:.1f}", 100 * layers[i].min / total), steps[i].macs == 0 ? "" : in_millions(steps[i].macs),
               steps[i].macs == 0 ? "" : in_digits(gmacs),
               steps[i].macs == 0 ? "" : share_of_peak(gmacs, peaks, result.peak_key()), steps[i].kernel,
               short_layer(steps[i].layer)});
  }
  table.rule();
  const double gmacs = static_cast<double>(result.candidate->plan->macs()) / total * 1e-9;
  table.row({"", in_digits(total * 1e6), "", "100.0", in_millions(result.candidate->plan->macs()), in_digits(gmacs),
             share_of_peak(gmacs, peaks, result.peak_key()), "sum of the layers' minima", ""});
  return heading + table.text();
}

}  // namespace

std::string bench_report(const std::vector<Result>& results, const Peaks& peaks, bool layers, bool sustained) {
  std::string text = machine_line(results, peaks) + results_table(results, peaks) + doubts(results);
  for (const Result& r : results) {
    if (sustained) text += course(r);
    if (layers) text += layers_table(r, peaks);
  }
  return text;
}

}  // namespace octet::cli
