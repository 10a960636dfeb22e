// How it works. A job's units (of `grain` elements) are dealt out as one contiguous share a thread, so that from layer
// to layer a thread finds its own rows in its own cache. A thread takes its share from the front in a few big bites;
// who is done early steals from the back of another's share. One 64-bit word a share (first, last) makes both a single
// compare-and-swap.
//
// Whatever a thread takes is of the present job, which lasts until all of its units are finished; each thread counts
// those that it has. So workers need not say that they come or go, one that wakes late finds nothing to take, and a job
// never waits for a thread that has not begun: more threads than cores cost little. Where layers take microseconds, it
// matters how often lines of the cache go from core to core, up to a quarter of one each: here three times until a
// worker has begun, twice until its end is known.
#include "runtime/steps/team.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>

namespace octet {
namespace {

// Long enough to bridge the gap between two layers, short enough not to burn a core that others want.
constexpr int64_t kSpinNanoseconds = 50000;
constexpr int kPausesPerLook = 4;
constexpr int kLooksBeforeYield = 64;
constexpr int kBodyLines = 4;
/// Several times what bodies take (steps/convolution.cpp: widened weights, part of a tile): some systems give less.
constexpr size_t kStackBytes = 1 << 20;

/// Cores that this process may run on.
int available_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

int64_t now_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
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
  const int64_t deadline = now_nanoseconds() + kSpinNanoseconds;
  for (int look = 0;; ++look) {
    for (int i = 0; i < kPausesPerLook; ++i) pause_cpu();
    if (ready()) return true;
    if (crowded || look >= kLooksBeforeYield) sched_yield();
    if (now_nanoseconds() >= deadline) return false;
  }
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t& mutex) : mutex_(mutex) { pthread_mutex_lock(&mutex_); }
  ~Lock() { pthread_mutex_unlock(&mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  template <typename Ready>
  void wait(pthread_cond_t& condition, const Ready& ready) {
    while (!ready()) pthread_cond_wait(&condition, &mutex_);
  }

 private:
  pthread_mutex_t& mutex_;
};

uint64_t packed(uint64_t first, uint64_t last) { return first << 32 | last; }

/// Where a bite ends that begins at `first`: three quarters of what is left. Few calls of the body, and something stays
/// to be stolen.
uint64_t bite_end(uint64_t first, uint64_t last) { return first + (3 * (last - first) + 3) / 4; }

/// A bite from the front.
bool take(std::atomic<uint64_t>& share, uint64_t& first, uint64_t& last) {
  uint64_t seen = share.load(std::memory_order_relaxed);
  for (;;) {
    first = seen >> 32;
    const uint64_t end = seen & 0xffffffff;
    if (first >= end) return false;
    last = bite_end(first, end);
    if (share.compare_exchange_weak(seen, packed(last, end), std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  }
}

/// Half of what is left, from the back.
bool steal(std::atomic<uint64_t>& share, uint64_t& first, uint64_t& last) {
  uint64_t seen = share.load(std::memory_order_relaxed);
  for (;;) {
    const uint64_t begin = seen >> 32;
    last = seen & 0xffffffff;
    if (begin >= last) return false;
    first = last - (last - begin + 1) / 2;
    if (share.compare_exchange_weak(seen, packed(begin, first), std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  }
}

}  // namespace

Team::Team(Member* members, int threads)
    : members_(members), threads_(threads), crowded_(threads > available_cores()) {}

bool Team::start() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const bool all = start_with(attributes);
  pthread_attr_destroy(&attributes);
  return all;
}

bool Team::start_with(const pthread_attr_t& attributes) {
  for (int i = 1; i < threads_; ++i) {
    members_[i].team = this;
    const auto serve = [](void* member) -> void* {
      auto* const self = static_cast<Member*>(member);
      self->team->serve(static_cast<int>(self - self->team->members_));
      return nullptr;
    };
    if (pthread_create(&members_[i].thread, &attributes, serve, &members_[i]) != 0) {
      stop();
      return false;
    }
    started_ = i + 1;
  }
  return true;
}

void Team::stop() {
  {
    const Lock lock(mutex_);
    stop_ = true;
  }
  pthread_cond_broadcast(&wake_);
  for (int i = 1; i < started_; ++i) pthread_join(members_[i].thread, nullptr);
  started_ = 1;
}

void Team::run_units(int self, uint64_t first, uint64_t last) {
  const int64_t end = static_cast<int64_t>(last) * grain_;
  body_(static_cast<int64_t>(first) * grain_, end < count_ ? end : count_);
  // From here on the job may be over.
  std::atomic<uint64_t>& finished = members_[self].finished;
  const uint64_t sum = finished.load(std::memory_order_relaxed) + (last - first);
  if (self == 0) return finished.store(sum, std::memory_order_relaxed);
  // One of the two sides sees the other. By exchanges: emulators (qemu-user) let loads overtake sequentially consistent
  // stores.
  finished.exchange(sum);
  if (caller_sleeps_.load()) {
    { const Lock lock(mutex_); }
    pthread_cond_signal(&done_);
  }
}

void Team::drop_rest() {
  for (int i = 0; i < threads_; ++i) {
    const uint64_t left = members_[i].share.exchange(0), first = left >> 32, last = left & 0xffffffff;
    if (first < last) dropped_ += last - first;
  }
}

/// Works until no unit is left to take.
void Team::work(int self) {
  uint64_t first, last;
  while (take(members_[self].share, first, last)) run_units(self, first, last);
  for (int i = 1; i < threads_; ++i) {
    std::atomic<uint64_t>& victim = members_[(self + i) % threads_].share;
    while (steal(victim, first, last)) run_units(self, first, last);
  }
}

/// All but the caller's first bite, which nobody else shall have. Returns its end.
uint64_t Team::deal(uint64_t units) {
  const auto n = static_cast<uint64_t>(threads_);
  const auto begin = [&](uint64_t i) { return units * i / n; };
  const uint64_t bite = bite_end(0, begin(1));
  for (uint64_t i = 0; i < n; ++i)
    members_[i].share.store(packed(i == 0 ? bite : begin(i), begin(i + 1)), std::memory_order_release);
  dealt_ += units;
  return bite;
}

/// Whoever falls asleep just now may sleep on until the next job.
void Team::wake_sleepers() {
  if (sleepers_.load(std::memory_order_relaxed) == 0) return;
  { const Lock lock(mutex_); }
  pthread_cond_broadcast(&wake_);
}

bool Team::all_finished() const {
  uint64_t finished = dropped_.load();
  for (int i = 0; i < threads_; ++i) finished += members_[i].finished.load();
  return finished == dealt_;
}

void Team::wait_for_all() {
  const auto finished = [this] { return all_finished(); };
  if (spin_until(finished, crowded_)) return;
  Lock lock(mutex_);
  caller_sleeps_.exchange(true);
  lock.wait(done_, finished);
  caller_sleeps_ = false;
}

/// Waits for a job later than `seen`, or the end.
void Team::wait_for_job(uint64_t seen) {
  const auto news = [&] { return job_.load(std::memory_order_acquire) != seen || stop_.load(); };
  if (spin_until(news, crowded_)) return;
  Lock lock(mutex_);
  ++sleepers_;
  lock.wait(wake_, news);
  --sleepers_;
}

void Team::serve(int self) {
  for (uint64_t seen = 0;;) {
    wait_for_job(seen);
    if (stop_.load()) return;
    seen = job_.load(std::memory_order_acquire);
    // What the body refers to lies on the caller's stack: fetched while the share is.
    const auto* const data = static_cast<const std::byte*>(body_data_.load(std::memory_order_relaxed));
    for (int line = 0; line < kBodyLines; ++line) __builtin_prefetch(data + 64 * line);
    work(self);
  }
}

void Team::parallel_for(int64_t count, int64_t grain, RangeBody body) {
  if (count <= 0) return;
  if (threads_ == 1 || count <= grain) return body(0, count);
  // Shares count units in 32 bits; beyond that, coarser units keep every promise.
  while ((count - 1) / grain + 1 > INT32_MAX) grain *= 2;
  body_data_.store(body.data(), std::memory_order_relaxed);
  body_ = body;
  count_ = count;
  grain_ = grain;
  const uint64_t bite = deal(static_cast<uint64_t>((count - 1) / grain + 1));
  job_.store(job_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  wake_sleepers();
  if (bite > 0) run_units(0, 0, bite);
  work(0);
  wait_for_all();
}

}  // namespace octet
