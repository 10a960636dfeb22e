// Threads that share loops, by POSIX threads alone: no heap, no exceptions.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "runtime/steps/parallel.h"

namespace octet {

/// The caller's thread is one of them; with 1 thread nothing is started.
class Team {
 public:
  /// What a thread has to do: units [first, last) still to be taken, in one word; what it has done; and who it is.
  struct alignas(64) Member {
    std::atomic<uint64_t> share{0};
    std::atomic<uint64_t> finished{0};  // units, of all jobs
    pthread_t thread{};
    Team* team = nullptr;
  };

  /// As many threads as there are members, which must outlive the team; at least one.
  Team(Member* members, int threads);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Starts the other threads. False where the system has no more; then none is left.
  bool start();
  /// Ends them.
  void stop();

  int threads() const { return threads_; }
  /// Runs body(begin, end) over disjoint ranges that cover [0, count), on all threads, and returns when all are done.
  /// Ranges start at multiples of `grain` (>= 1) and hold at least that many, the last one excepted. One caller at a
  /// time; not from inside a body, which must not throw.
  void parallel_for(int64_t count, int64_t grain, RangeBody body);
  /// From inside a body: what nobody has taken yet is not done.
  void drop_rest();

 private:
  bool start_with(const pthread_attr_t& attributes);
  void run_units(int self, uint64_t first, uint64_t last);
  void work(int self);
  uint64_t deal(uint64_t units);
  void wake_sleepers();
  bool all_finished() const;
  void wait_for_all();
  void wait_for_job(uint64_t seen);
  void serve(int self);

  Member* const members_;
  const int threads_;
  const bool crowded_;  // more threads than cores: spinning takes time from those that work
  int started_ = 1;
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> stop_{false};
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake_ = PTHREAD_COND_INITIALIZER, done_ = PTHREAD_COND_INITIALIZER;
  uint64_t dealt_ = 0;                // units, of all jobs
  std::atomic<uint64_t> dropped_{0};  // of these

  // The job, on a line of the cache that is written once a job.
  alignas(64) std::atomic<uint64_t> job_{0};     // its number
  std::atomic<const void*> body_data_{nullptr};  // to be fetched ahead: may be a later job's
  RangeBody body_{nullptr, nullptr};
  int64_t count_ = 0, grain_ = 1;
};

}  // namespace octet
