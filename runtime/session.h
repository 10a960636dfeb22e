// Runs a plan. A session owns its arena and its threads; sessions share nothing that changes, so any number of them may
// run at once, one thread calling each.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/plan.h"

namespace octet {

class Session {
 public:
  /// `threads` >= 1, more than there are cores is allowed. Throws ModelError for threads < 1 or > 1024.
  explicit Session(std::shared_ptr<const Plan> plan, int threads = 1);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const Plan& plan() const { return *plan_; }
  /// For another session over the same packed weights.
  const std::shared_ptr<const Plan>& shared_plan() const { return plan_; }
  int threads() const;

  /// Raw bytes of an input; they stay as written until written again. Zero at first.
  std::span<std::byte> input(size_t index);
  /// Raw bytes of an output, valid after run() until the next one.
  std::span<const std::byte> output(size_t index) const;

  /// One inference. Takes up to 256 KiB of the caller's stack.
  void run();
  /// run(), calling after(step index) when a step is done: per-layer times.
  void run(const std::function<void(size_t)>& after);

  /// Where a tensor lies, as it is stored, or null; other tensors may take its place before and after it is needed, so
  /// what lies there is its own only in run(after), from when it is written until its last reader is done.
  const std::byte* stored(int32_t index) const;

  /// Contents of any tensor in the file's own type and order, after a run of a plan made with keep_all; empty where
  /// that tensor was optimised away.
  std::vector<std::byte> tensor(int32_t index) const;

 private:
  std::shared_ptr<const Plan> plan_;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet
