// Plain aligned tables, and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace octet::cli {

/// Columns of text: numbers to the right, words to the left, a rule under the headings.
class Table {
 public:
  enum class Align { Left, Right };

  void column(std::string heading, Align align = Align::Right);
  void row(std::vector<std::string> cells);
  /// A rule, e.g. above a sum.
  void rule() { rows_.emplace_back(); }
  std::string text() const;

 private:
  struct Column {
    std::string heading;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

/// "569.32" for 569320000 and 10^6.
std::string in_millions(int64_t count);
/// "1.2 KiB", "3.4 MiB".
std::string in_bytes(int64_t bytes);
/// Three or four significant digits: "0.0834", "5.12", "1234".
std::string in_digits(double value);
/// "87.0 %".
std::string in_percent(double fraction);
/// Control characters as "?": names come from files, and a terminal obeys them.
std::string printable(std::string_view text);
/// A tensor's name for a table: converters join the names of all that they fused by ";", and the last parts of a path
/// say most. At most 48 characters, printable.
std::string short_name(std::string_view name);
/// "CONV_2D conv1/Relu6": the operator, and its output's name shortened.
std::string short_layer(const std::string& layer);

}  // namespace octet::cli
