// Schedules in words, for people who read what was compiled.
#pragma once

#include <string>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

/// How a kernel goes about its work: a sentence each for its tile, its inner loop, the order of its loops, its output.
std::vector<std::string> in_words(const KernelInfo& kernel);

}  // namespace octet
