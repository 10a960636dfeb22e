// A fixed set of threads for one session. The caller's thread is one of them; with 1 thread nothing is started.
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/steps/parallel.h"

namespace octet {

class ThreadPool {
 public:
  /// `threads` in [1, 1024], the caller included; more than there are cores is allowed. Throws ModelError.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Runs body(begin, end) over disjoint ranges that cover [0, count), on all threads, and returns when all are done.
  /// Ranges start at multiples of `grain` (>= 1) and hold at least that many, the last one excepted. One caller at a
  /// time; not from inside a body. If bodies throw, the rest is dropped and the first exception reaches the caller.
  void parallel_for(int64_t count, int64_t grain, RangeBody body);
  /// The same as steps see it, for as long as the pool lives.
  Parallel parallel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet
