#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace octet::cli {

void Table::column(std::string heading, Align align) { columns_.push_back({std::move(heading), align}); }

void Table::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = columns_[c].heading.size();
    for (const auto& row : rows_) width = std::max(width, row.empty() ? 0 : row[c].size());
    widths.push_back(width);
  }
  std::string text;
  const auto end_line = [&] {
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  const auto add = [&](size_t c, std::string_view cell) {
    if (c > 0) text += "  ";
    text += columns_[c].align == Align::Left ? fmt::format("{:<{}}", cell, widths[c])
                                             : fmt::format("{:>{}}", cell, widths[c]);
  };
  const auto add_rule = [&] {
    for (size_t c = 0; c < columns_.size(); ++c) add(c, std::string(widths[c], '-'));
    end_line();
  };
  for (size_t c = 0; c < columns_.size(); ++c) add(c, columns_[c].heading);
  end_line();
  add_rule();
  for (const auto& row : rows_) {
    if (row.empty()) {
      add_rule();
      continue;
    }
    for (size_t c = 0; c < columns_.size(); ++c) add(c, row[c]);
    end_line();
  }
  return text;
}

std::string in_millions(int64_t count) { return fmt::format("{:.2f}", static_cast<double>(count) * 1e-6); }

std::string in_bytes(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", value / 1024);
  return fmt::format("{:.2f} MiB", value / (1024 * 1024));
}

std::string in_digits(double value) {
  const double size = std::abs(value);
  if (size >= 1000) return fmt::format("{:.0f}", value);
  if (size >= 100) return fmt::format("{:.1f}", value);
  if (size >= 10) return fmt::format("{:.2f}", value);
  if (size >= 1) return fmt::format("{:.3f}", value);
  return fmt::format("{:.4f}", value);
}

std::string in_percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string short_name(std::string_view name) {
  constexpr size_t kLongest = 48;
  name = name.substr(0, name.find(';'));
  if (name.size() <= kLongest) return printable(name);
  return "..." + printable(name.substr(name.size() - kLongest + 3));
}

std::string short_layer(const std::string& layer) {
  const size_t space = layer.find(' ');
  if (space == std::string::npos) return printable(layer);
  return printable(layer.substr(0, space + 1)) + short_name(std::string_view(layer).substr(space + 1));
}

}  // namespace octet::cli
