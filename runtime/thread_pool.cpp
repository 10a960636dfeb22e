// How it works. A job's units (of `grain` elements) are dealt out as one contiguous share a thread, so that from layer
// to layer a thread finds its own rows in its own cache. A thread takes its share from the front in a few big bites;
// who is done early steals from the back of another's share. One 64-bit word a share (first, last) makes both a single
// compare-and-swap.
//
// A worker enters a job through `state_`, which counts those inside; the caller closes the job once nothing is left and
// waits for the count to fall to zero. A worker that wakes late finds the door closed, so that a job never waits for a
// thread that has not begun: more threads than cores cost little.
#include "runtime/thread_pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "models/model.h"

namespace octet {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough to bridge the gap between two layers, short enough not to burn a core that others want.
constexpr auto kSpin = std::chrono::microseconds(50);
constexpr int kPausesPerLook = 4;
constexpr int kLooksBeforeYield = 64;

/// Cores that this process may run on.
int available_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Polls `ready` for a short while, politely; false when the time is up.
template <typename Ready>
bool spin_until(const Ready& ready, bool crowded) {
  if (ready()) return true;
  const auto deadline = Clock::now() + kSpin;
  for (int look = 0;; ++look) {
    for (int i = 0; i < kPausesPerLook; ++i) pause_cpu();
    if (ready()) return true;
    if (crowded || look >= kLooksBeforeYield) std::this_thread::yield();
    if (Clock::now() >= deadline) return false;
  }
}

/// Units [first, last) still to be taken.
struct alignas(64) Share {
  std::atomic<uint64_t> word{0};

  static uint64_t pack(uint64_t first, uint64_t last) { return first << 32 | last; }
  void set(uint64_t first, uint64_t last) { word.store(pack(first, last), std::memory_order_relaxed); }

  /// Three quarters of what is left, from the front. Few calls of the body, and something stays to be stolen.
  bool take(uint64_t& first, uint64_t& last) {
    uint64_t seen = word.load(std::memory_order_relaxed);
    for (;;) {
      first = seen >> 32;
      const uint64_t end = seen & 0xffffffff;
      if (first >= end) return false;
      last = first + (3 * (end - first) + 3) / 4;
      if (word.compare_exchange_weak(seen, pack(last, end), std::memory_order_relaxed)) return true;
    }
  }
  /// Half of what is left, from the back.
  bool steal(uint64_t& first, uint64_t& last) {
    uint64_t seen = word.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t begin = seen >> 32;
      last = seen & 0xffffffff;
      if (begin >= last) return false;
      first = last - (last - begin + 1) / 2;
      if (word.compare_exchange_weak(seen, pack(begin, first), std::memory_order_relaxed)) return true;
    }
  }
};

}  // namespace

struct ThreadPool::State {
  // Door: job number << 32 | open << 31 | workers inside.
  static constexpr uint64_t kOpen = uint64_t{1} << 31;
  static constexpr uint64_t kInside = kOpen - 1;

  explicit State(int threads) : shares(static_cast<size_t>(threads)), crowded(threads > available_cores()) {}

  std::vector<Share> shares;
  const bool crowded;  // more threads than cores: spinning takes time from those that work
  std::atomic<uint64_t> door{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> caller_sleeps{false};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake, done;

  // The job: written before the door opens, read by those inside.
  const RangeBody* body = nullptr;
  int64_t count = 0, grain = 1;
  std::exception_ptr failure;  // under `mutex`
  std::vector<std::thread> workers;

  void run_units(uint64_t first, uint64_t last) {
    try {
      const int64_t end = static_cast<int64_t>(last) * grain;
      (*body)(static_cast<int64_t>(first) * grain, end < count ? end : count);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      for (Share& share : shares) share.set(0, 0);  // the rest is not worth doing
    }
  }

  /// Works until no unit is left to take.
  void work(size_t self) {
    uint64_t first, last;
    while (shares[self].take(first, last)) run_units(first, last);
    for (size_t i = 1; i < shares.size(); ++i) {
      Share& victim = shares[(self + i) % shares.size()];
      while (victim.steal(first, last)) run_units(first, last);
    }
  }

  void deal(uint64_t units) {
    const uint64_t n = shares.size();
    for (uint64_t i = 0; i < n; ++i) shares[i].set(units * i / n, units * (i + 1) / n);
  }

  void open() {
    const uint64_t job = (door.load(std::memory_order_relaxed) >> 32) + 1;
    door.store(job << 32 | kOpen);  // sequentially consistent, as `sleepers`: one of the two sides sees the other
    if (sleepers.load() > 0) {
      { const std::lock_guard lock(mutex); }
      wake.notify_all();
    }
  }

  void close() {
    door.fetch_and(~kOpen);
    const auto empty = [this] { return (door.load() & kInside) == 0; };
    if (spin_until(empty, crowded)) return;
    std::unique_lock lock(mutex);
    caller_sleeps = true;
    done.wait(lock, empty);
    caller_sleeps = false;
  }

  /// Waits for a job later than `seen`, or the end.
  void wait_for_job(uint64_t seen) {
    const auto news = [&] { return door.load() >> 32 != seen || stop.load(); };
    if (spin_until(news, crowded)) return;
    std::unique_lock lock(mutex);
    ++sleepers;
    wake.wait(lock, news);
    --sleepers;
  }

  bool enter() {
    uint64_t seen = door.load();
    while (seen & kOpen) {
      if (door.compare_exchange_weak(seen, seen + 1)) return true;
    }
    return false;
  }

  void leave() {
    const uint64_t before = door.fetch_sub(1);
    if ((before & kInside) == 1 && (before & kOpen) == 0 && caller_sleeps.load()) {
      { const std::lock_guard lock(mutex); }
      done.notify_one();
    }
  }

  void serve(size_t self) {
    uint64_t seen = 0;
    for (;;) {
      wait_for_job(seen);
      if (stop.load()) return;
      seen = door.load() >> 32;
      if (!enter()) continue;
      seen = door.load() >> 32;  // the job entered; it cannot change while someone is inside
      work(self);
      leave();
    }
  }
};

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > 1024) {
    throw ModelError(std::to_string(threads) + " threads: must be 1 to 1024");
  }
  state_ = std::make_unique<State>(threads);
  try {
    for (int i = 1; i < threads; ++i) {
      state_->workers.emplace_back([state = state_.get(), i] { state->serve(static_cast<size_t>(i)); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->shares.size()); }

void ThreadPool::parallel_for(int64_t count, int64_t grain, RangeBody body) {
  if (count <= 0) return;
  State& s = *state_;
  if (s.workers.empty() || count <= grain) return body(0, count);
  // Shares count units in 32 bits; beyond that, coarser units keep every promise.
  while ((count - 1) / grain + 1 > INT32_MAX) grain *= 2;
  s.body = &body;
  s.count = count;
  s.grain = grain;
  s.failure = nullptr;
  s.deal(static_cast<uint64_t>((count - 1) / grain + 1));
  s.open();
  s.work(0);
  s.close();
  if (s.failure) std::rethrow_exception(std::exchange(s.failure, nullptr));
}

Parallel ThreadPool::parallel() {
  return {this, threads(), [](void* pool, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
            static_cast<ThreadPool*>(pool)->parallel_for(count, grain, {body, data});
          }};
}

}  // namespace octet
