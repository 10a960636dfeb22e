// How far a long command is, on standard error.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "system/clock.h"

namespace octet::cli {

/// Lines that replace each other on a terminal; elsewhere, one every few seconds.
class Progress {
 public:
  ~Progress() {
    if (terminal_ && shown_) fmt::print(stderr, "\r\033[K");
  }
  void show(const std::string& what) {
    if (!terminal_ && shown_ && now_seconds() - last_ < 5) return;
    terminal_ ? fmt::print(stderr, "\r\033[K{}", what) : fmt::print(stderr, "{}\n", what);
    std::fflush(stderr);
    shown_ = true;
    last_ = now_seconds();
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  double last_ = 0;
};

}  // namespace octet::cli
