#include "compiler/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "schedules/assembly.h"
#include "schedules/words.h"

namespace octet {

namespace {

constexpr const char* kStyle = R"(
:root { --bg: #fdfdfc; --fg: #1d2021; --soft: #6b6f72; --line: #dedcd6; --panel: #f4f2ec; --bar: #4a7fb5; --hot: #fff3d6; --mul: #1c6e3d; --spill: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #17191b; --fg: #e4e2dd; --soft: #9a9d9f; --line: #34383b; --panel: #1f2224; --bar: #6ea3d8; --hot: #3a331f; --mul: #7bd09b; --spill: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 2rem 6rem; max-width: 1500px; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
p { margin: .2rem 0 .8rem; color: var(--soft); }
.row { display: grid; grid-template-columns: 9rem minmax(18rem, 1fr) 4rem 6rem 6rem 6rem 5rem 5rem 4rem; gap: 0 1rem; align-items: center; }
.row > * { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.row > .name, .row > .share { text-align: left; overflow: hidden; text-overflow: ellipsis; }
.head { padding: .3rem .6rem .3rem 1.6rem; border-bottom: 2px solid var(--line); color: var(--soft); font-size: .85rem; position: sticky; top: 0; background: var(--bg); z-index: 1; }
.name i { color: var(--soft); font-style: normal; font-size: .85rem; }
details.kernel { border-bottom: 1px solid var(--line); }
details.kernel > summary { padding: .28rem .6rem; cursor: pointer; list-style: none; display: flex; }
details.kernel > summary::before { content: "\25b8"; width: 1rem; color: var(--soft); }
details.kernel[open] > summary::before { content: "\25be"; }
details.kernel > summary > .row { flex: 1; }
details.kernel > summary:hover, details.kernel[open] > summary { background: var(--panel); }
.share { display: flex; gap: .5rem; align-items: center; }
.share .track { flex: 1; height: .6rem; background: var(--line); border-radius: 2px; overflow: hidden; }
.share .bar { height: 100%; background: var(--bar); }
.share b { width: 3.4rem; text-align: right; font-weight: 600; }
.body { padding: .4rem 1.6rem 1.2rem; }
.body a { color: var(--bar); }
.body ul { margin: .2rem 0 .6rem; padding-left: 1.2rem; }
.body h3 { font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--soft); margin: 1rem 0 .2rem; }
.body table { border-collapse: collapse; font-size: .9rem; }
.body td { padding: .05rem 1.2rem .05rem 0; font-variant-numeric: tabular-nums; }
.body td.n { text-align: right; }
.body details { margin-top: .6rem; }
.body details > summary { cursor: pointer; color: var(--bar); }
pre { margin: .4rem 0 0; padding: .7rem .9rem; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; overflow: auto; max-height: 70vh; font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; tab-size: 8; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
pre .hot { display: block; background: var(--hot); border-left: 3px solid var(--bar); margin-left: -.9rem; padding-left: calc(.9rem - 3px); }
pre .m { color: var(--mul); font-weight: 600; }
pre .s { color: var(--spill); font-weight: 600; }
pre .c { color: var(--soft); }
.spills { color: var(--spill); font-weight: 600; }
)";

// A link to the hot loop opens what it lies in.
constexpr const char* kScript = R"(
addEventListener("click", e => {
  const a = e.target.closest("a[data-hot]");
  if (!a) return;
  e.preventDefault();
  const hot = document.getElementById(a.dataset.hot);
  for (let d = hot.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  const pre = hot.closest("pre");
  pre.scrollTop = hot.offsetTop - pre.offsetTop - 60;
  pre.scrollIntoView({block: "center"});
});
)";

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string in_words(const KernelRequest& request, const KnownArgument& known) {
  const std::string_view name = arguments_of(request.kernel)[static_cast<size_t>(known.argument)].name;
  switch (known.what) {
    case KnownArgument::What::Value:
      return fmt::format("{} = {}", name, known.values.at(0));
    case KnownArgument::What::Extent:
      return fmt::format("{}.extent({}) = {}", name, known.dimension, known.values.at(0));
    case KnownArgument::What::Stride:
      return fmt::format("{}.stride({}) = {}", name, known.dimension, known.values.at(0));
    case KnownArgument::What::Contents:
      return fmt::format("{}: all {} elements", name, known.values.size());
    case KnownArgument::What::Distances:
      return fmt::format("{}: {} by {}", name,
                         known.dimension == 0 ? "from pixel to pixel" : "from a pixel to its runs",
                         fmt::join(known.values, ", "));
  }
  return "";
}

/// Converters join the names of all that they fused by ";".
std::string layer_name(const Step& step) { return step.layer.substr(0, step.layer.find(';')); }

/// A kernel with what the page says of it.
struct Entry {
  const PageKernel* kernel;
  double seconds = 0;
  int64_t macs = 0;
  LoopCounts loop{};
};

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string listing(const std::vector<AssemblyLine>& lines, const KernelInfo& kernel, const std::string& id) {
  const AssemblyLines hot = hot_loop(lines, kernel);
  const std::regex multiply = multiply_accumulate(kernel);
  const auto* const all = lines.data();
  const size_t first = hot.empty() ? lines.size() : static_cast<size_t>(hot.data() - all), last = first + hot.size();
  std::string text;
  for (size_t i = 0; i < lines.size(); i++) {
    const AssemblyLine& line = lines[i];
    if (line.code.find("\t.cfi") == 0 || line.code.find("\t.p2align") == 0) continue;
    if (i == first) text += fmt::format("<span class=\"hot\" id=\"{}\">", id);
    const bool spills =
        line.comment.find("Spill") != std::string::npos || line.comment.find("Reload") != std::string::npos;
    const bool multiplies = i >= first && i < last && std::regex_search(line.code, multiply);
    const std::string code = escaped(line.code);
    text += multiplies ? "<span class=\"m\">" + code + "</span>"
            : spills   ? "<span class=\"s\">" + code + "</span>"
                       : code;
    if (!line.comment.empty()) text += "<span class=\"c\">" + escaped(line.comment) + "</span>";
    text += !hot.empty() && i + 1 == last ? "</span>" : "\n";
  }
  return text;
}

std::string body_of(const Entry& entry, const PageVariant& variant, const PageContents& contents,
                    const std::vector<AssemblyLine>& assembly, const std::string& id) {
  const PageKernel& kernel = *entry.kernel;
  std::string text = "<div class=\"body\"><h3>Layers</h3><table>";
  const auto add_step = [&](size_t step, bool first) {
    const Step& s = variant.plan->steps()[step];
    text += fmt::format("<tr><td class=\"n\">{}</td><td>{}</td>", step, escaped(layer_name(s)));
    if (first) {
      text += fmt::format("<td class=\"n\">{:.2f} MMAC</td>", static_cast<double>(s.macs) * 1e-6);
      if (!variant.seconds.empty()) text += fmt::format("<td class=\"n\">{:.1f} µs</td>", variant.seconds[step] * 1e6);
    } else {
      text += fmt::format("<td>counted with <code>{}</code></td>", escaped(s.kernel));
    }
    text += "</tr>";
  };
  for (const size_t step : kernel.steps) add_step(step, true);
  for (const size_t step : kernel.with_others) add_step(step, false);
  text += "</table>";
  if (contents.schedule) {
    text += "<h3>Schedule</h3><ul>";
    for (const std::string& sentence : octet::in_words(kernel.request.kernel))
      text += "<li>" + escaped(sentence) + "</li>";
    text += "</ul>";
    if (!kernel.request.known.empty()) {
      text += "<h3>Known when it was compiled</h3><p><code>";
      for (size_t i = 0; i < kernel.request.known.size(); i++)
        text += (i == 0 ? "" : "; ") + escaped(in_words(kernel.request, kernel.request.known[i]));
      text += "</code></p>";
    }
  }
  if (contents.loops)
    text +=
        "<details><summary>Loops, as Halide lowered them</summary><pre>" + escaped(kernel.loops) + "</pre></details>";
  if (contents.assembly) {
    text += "<details><summary>Assembly</summary>";
    if (entry.loop.instructions > 0)
      text += fmt::format(
          "<p><a href=\"#{0}\" data-hot=\"{0}\">to the hot loop</a>: {1} instructions, {2} "
          "multiply-accumulates, {3} to the stack and back</p>",
          id, entry.loop.instructions, entry.loop.multiplies, entry.loop.spills);
    text += "<pre>" + listing(assembly, kernel.request.kernel, id) + "</pre></details>";
  }
  return text + "</div>";
}

std::string row_of(const Entry& entry, double share, const PageVariant& variant) {
  const auto number = [](double value) { return fmt::format("{:.3g}", value); };
  const std::vector<size_t>&steps = entry.kernel->steps, &others = entry.kernel->with_others;
  const std::string layer = layer_name(variant.plan->steps()[steps.empty() ? others.at(0) : steps[0]]);
  std::string text = fmt::format(
      "<div class=\"row\"><span class=\"share\"><b>{:.1f} %</b><span class=\"track\"><div class=\"bar\" "
      "style=\"width:{:.1f}%\"></div></span></span><span class=\"name\"><code>{}</code> "
      "<i>{}</i></span><span>{}</span>",
      100 * share, 100 * share, escaped(entry.kernel->request.kernel.name), escaped(layer),
      steps.size() + others.size());
  const bool timed = !variant.seconds.empty();
  text += fmt::format("<span>{}</span><span>{:.2f}</span><span>{}</span>",
                      timed ? fmt::format("{:.1f}", entry.seconds * 1e6) : "", static_cast<double>(entry.macs) * 1e-6,
                      timed && entry.macs > 0 ? number(static_cast<double>(entry.macs) / entry.seconds * 1e-9) : "");
  if (entry.loop.instructions > 0)
    text += fmt::format("<span>{}</span><span>{}</span><span{}>{}</span>", entry.loop.instructions,
                        entry.loop.multiplies, entry.loop.spills > 0 ? " class=\"spills\"" : "", entry.loop.spills);
  else
    text += "<span></span><span></span><span></span>";
  return text + "</div>";
}

/// What blocks in bands save.
std::string blocks_table(const Plan& plan) {
  if (plan.layer_blocks().empty()) return "";
  std::string text =
      "<details class=\"kernel\"><summary>Blocks in bands of rows: intermediates written and read</summary>"
      "<div class=\"body\"><table><tr><td>block</td><td>rows</td><td>a band</td><td>KiB apart</td><td>KiB "
      "fused</td></tr>";
  const auto cell = [](const std::string& value) { return "<td class=\"n\">" + value + "</td>"; };
  const auto kibibytes = [&](int64_t bytes) { return cell(fmt::format("{:.1f}", static_cast<double>(bytes) / 1024)); };
  int64_t apart = 0, fused = 0;
  for (const BlockMemory& b : plan.layer_blocks()) {
    text += "<tr><td>" + escaped(b.layer.substr(0, b.layer.find(';'))) + "</td>" + cell(std::to_string(b.rows)) +
            cell(b.fused() ? std::to_string(b.band_rows) : "-") + kibibytes(b.traffic_apart()) +
            kibibytes(b.traffic()) + "</tr>";
    apart += b.traffic_apart();
    fused += b.traffic();
  }
  text += "<tr><td>all</td><td></td><td></td>" + kibibytes(apart) + kibibytes(fused) +
          "</tr><tr><td>arena</td><td></td><td></td>" + kibibytes(plan.arena_bytes_apart()) +
          kibibytes(plan.memory().arena_bytes) + "</tr></table></div></details>\n";
  return text;
}

std::string section_of(const PageVariant& variant, const PageContents& contents) {
  const Plan& plan = *variant.plan;
  const bool timed = !variant.seconds.empty();
  const std::string target(name_of(plan.target()));
  std::vector<Entry> entries;
  std::vector<std::vector<AssemblyLine>> assemblies;
  for (const PageKernel& kernel : variant.kernels) {
    Entry entry{.kernel = &kernel};
    for (const size_t step : kernel.steps) {
      if (timed) entry.seconds += variant.seconds[step];
      entry.macs += plan.steps()[step].macs;
    }
    entries.push_back(entry);
  }
  const double whole =
      timed ? std::accumulate(variant.seconds.begin(), variant.seconds.end(), 0.0) : static_cast<double>(plan.macs());
  const auto weight = [&](const Entry& e) { return timed ? e.seconds : static_cast<double>(e.macs); };
  std::ranges::stable_sort(entries, std::greater<>(), weight);

  std::string text = fmt::format("<h2>{}</h2><p>{} layers, {} kernels, {:.2f} MMAC", target, plan.steps().size(),
                                 entries.size(), static_cast<double>(plan.macs()) * 1e-6);
  text += timed ? fmt::format("; {:.3f} ms on one thread, by layers. Shares are of that time.</p>", whole * 1e3)
                : ". Not measured (--profile): shares are of the multiplications.</p>";
  text += blocks_table(plan);
  text +=
      "<div class=\"row head\"><span class=\"share\">share</span><span class=\"name\">kernel</span><span>layers</span>"
      "<span>µs</span><span>MMAC</span><span>GMAC/s</span><span title=\"instructions of the hot "
      "loop\">loop</span><span "
      "title=\"multiply-accumulates in it\">multiplies</span><span title=\"to the stack and back in "
      "it\">spills</span></div>\n";
  double listed = 0;
  for (size_t i = 0; i < entries.size(); i++) {
    Entry& entry = entries[i];
    const KernelInfo& info = entry.kernel->request.kernel;
    const std::vector<AssemblyLine> assembly = parse_assembly(entry.kernel->assembly, info.target);
    if (multiplies_and_accumulates(info.family)) entry.loop = counts_of(hot_loop(assembly, info), info);
    const double share = share_of(weight(entry), whole);
    listed += share;
    const std::string id = fmt::format("{}-{}", target, i);
    text += "<details class=\"kernel\"><summary>" + row_of(entry, share, variant) + "</summary>" +
            body_of(entry, variant, contents, assembly, id) + "</details>\n";
  }
  if (timed && listed < 0.9995)
    text +=
        fmt::format("<p>The remaining {:.1f} % are steps without a kernel: copies, tables, softmax and the like.</p>",
                    100 * (1 - listed));
  return text;
}

}  // namespace

std::string page(const std::string& network, const std::vector<PageVariant>& variants, const PageContents& contents) {
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>" +
      escaped(network) + ": kernels</title><style>" + kStyle + "</style></head><body>\n<h1>" + escaped(network) +
      "</h1><p>Its kernels as Octet compiled them, the costliest first. The slowest instruction set is the last.</p>\n";
  for (size_t i = variants.size(); i-- > 0;) text += section_of(variants[i], contents);
  return text + "<script>" + kScript + "</script></body></html>\n";
}

}  // namespace octet
