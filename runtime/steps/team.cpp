// How it works. A job's units (of `grain` elements) are dealt out as one contiguous share a thread, so that from layer
// to layer a thread finds its own rows in its own cache. A thread takes its share from the front in a few big bites;
// who is done early steals from the back of another's share. One 64-bit word a share (first, last) makes both a single
// compare-and-swap.
//
// A worker enters a job through `door_`, which counts those inside; the caller closes the job once nothing is left and
// waits for the count to fall to zero. A worker that wakes late finds the door closed, so that a job never waits for a
// thread that has not begun: more threads than cores cost little.
#include "runtime/steps/team.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

namespace octet {
namespace {

// Long enough to bridge the gap between two layers, short enough not to burn a core that others want.
constexpr int64_t kSpinNanoseconds = 50000;
constexpr int kPausesPerLook = 4;
constexpr int kLooksBeforeYield = 64;
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInside = kOpen - 1;

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

/// Three quarters of what is left, from the front. Few calls of the body, and something stays to be stolen.
bool take(std::atomic<uint64_t>& share, uint64_t& first, uint64_t& last) {
  uint64_t seen = share.load(std::memory_order_relaxed);
  for (;;) {
    first = seen >> 32;
    const uint64_t end = seen & 0xffffffff;
    if (first >= end) return false;
    last = first + (3 * (end - first) + 3) / 4;
    if (share.compare_exchange_weak(seen, packed(last, end), std::memory_order_relaxed)) return true;
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
    if (share.compare_exchange_weak(seen, packed(begin, first), std::memory_order_relaxed)) return true;
  }
}

}  // namespace

Team::Team(Member* members, int threads)
    : members_(members), threads_(threads), crowded_(threads > available_cores()) {}

bool Team::start() {
  for (int i = 1; i < threads_; ++i) {
    members_[i].team = this;
    const auto serve = [](void* member) -> void* {
      auto* const self = static_cast<Member*>(member);
      self->team->serve(static_cast<int>(self - self->team->members_));
      return nullptr;
    };
    if (pthread_create(&members_[i].thread, nullptr, serve, &members_[i]) != 0) {
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

void Team::run_units(uint64_t first, uint64_t last) const {
  const int64_t end = static_cast<int64_t>(last) * grain_;
  (*body_)(static_cast<int64_t>(first) * grain_, end < count_ ? end : count_);
}

void Team::drop_rest() {
  for (int i = 0; i < threads_; ++i) members_[i].share.store(0, std::memory_order_relaxed);
}

/// Works until no unit is left to take.
void Team::work(int self) {
  uint64_t first, last;
  while (take(members_[self].share, first, last)) run_units(first, last);
  for (int i = 1; i < threads_; ++i) {
    std::atomic<uint64_t>& victim = members_[(self + i) % threads_].share;
    while (steal(victim, first, last)) run_units(first, last);
  }
}

void Team::deal(uint64_t units) {
  const auto n = static_cast<uint64_t>(threads_);
  for (uint64_t i = 0; i < n; ++i)
    members_[i].share.store(packed(units * i / n, units * (i + 1) / n), std::memory_order_relaxed);
}

void Team::open() {
  const uint64_t job = (door_.load(std::memory_order_relaxed) >> 32) + 1;
  door_.store(job << 32 | kOpen);  // sequentially consistent, as `sleepers_`: one of the two sides sees the other
  if (sleepers_.load() > 0) {
    { const Lock lock(mutex_); }
    pthread_cond_broadcast(&wake_);
  }
}

void Team::close() {
  door_.fetch_and(~kOpen);
  const auto empty = [this] { return (door_.load() & kInside) == 0; };
  if (spin_until(empty, crowded_)) return;
  Lock lock(mutex_);
  caller_sleeps_ = true;
  lock.wait(done_, empty);
  caller_sleeps_ = false;
}

/// Waits for a job later than `seen`, or the end.
void Team::wait_for_job(uint64_t seen) {
  const auto news = [&] { return door_.load() >> 32 != seen || stop_.load(); };
  if (spin_until(news, crowded_)) return;
  Lock lock(mutex_);
  ++sleepers_;
  lock.wait(wake_, news);
  --sleepers_;
}

bool Team::enter() {
  uint64_t seen = door_.load();
  while (seen & kOpen) {
    if (door_.compare_exchange_weak(seen, seen + 1)) return true;
  }
  return false;
}

void Team::leave() {
  const uint64_t before = door_.fetch_sub(1);
  if ((before & kInside) == 1 && (before & kOpen) == 0 && caller_sleeps_.load()) {
    { const Lock lock(mutex_); }
    pthread_cond_signal(&done_);
  }
}

void Team::serve(int self) {
  uint64_t seen = 0;
  for (;;) {
    wait_for_job(seen);
    if (stop_.load()) return;
    seen = door_.load() >> 32;
    if (!enter()) continue;
    seen = door_.load() >> 32;  // the job entered; it cannot change while someone is inside
    work(self);
    leave();
  }
}

void Team::parallel_for(int64_t count, int64_t grain, RangeBody body) {
  if (count <= 0) return;
  if (threads_ == 1 || count <= grain) return body(0, count);
  // Shares count units in 32 bits; beyond that, coarser units keep every promise.
  while ((count - 1) / grain + 1 > INT32_MAX) grain *= 2;
  body_ = &body;
  count_ = count;
  grain_ = grain;
  deal(static_cast<uint64_t>((count - 1) / grain + 1));
  open();
  work(0);
  close();
}

}  // namespace octet
