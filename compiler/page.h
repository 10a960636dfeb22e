// A page about the kernels of a compiled network, for who tunes them: one HTML file that needs no other.
#pragma once

#include <string>
#include <vector>

#include "runtime/plan.h"
#include "schedules/request.h"

namespace octet {

/// A kernel and the steps that call it. Of several that a step calls, the first answers for its time.
struct PageKernel {
  KernelRequest request;
  std::vector<size_t> steps, with_others;  // that call it first; that call it too
  std::string loops, assembly;             // as the kernel compiler wrote them
};

/// A network for one instruction set.
struct PageVariant {
  std::shared_ptr<const Plan> plan;
  std::vector<PageKernel> kernels;
  std::vector<double> seconds;  // by step; empty where they were not measured
};

/// What of each kernel is shown.
struct PageContents {
  bool loops = false, assembly = false, schedule = false;

  bool any() const { return loops || assembly || schedule; }
};

/// Kernels in the order of their time, or, where that was not measured, of their multiplications.
std::string page(const std::string& network, const std::vector<PageVariant>& variants, const PageContents& contents);

}  // namespace octet
