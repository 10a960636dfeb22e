// A team (steps/team.h) that has its memory, and whose bodies may throw.
#include "runtime/thread_pool.h"

#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "models/model.h"
#include "runtime/steps/team.h"

namespace octet {

struct ThreadPool::State {
  explicit State(int threads) : members(static_cast<size_t>(threads)), team(members.data(), threads) {}
  ~State() { team.stop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::vector<Team::Member> members;
  Team team;
  std::mutex mutex;
  std::exception_ptr failure;  // under `mutex`
};

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > 1024) {
    throw ModelError(std::to_string(threads) + " threads: must be 1 to 1024");
  }
  state_ = std::make_unique<State>(threads);
  if (!state_->team.start()) throw std::runtime_error("no more threads to be had from the system");
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return state_->team.threads(); }

void ThreadPool::parallel_for(int64_t count, int64_t grain, RangeBody body) {
  State& s = *state_;
  if (threads() == 1 || count <= grain) {
    if (count > 0) body(0, count);
    return;
  }
  s.failure = nullptr;
  s.team.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    try {
      body(begin, end);
    } catch (...) {
      const std::lock_guard lock(s.mutex);
      if (!s.failure) s.failure = std::current_exception();
      s.team.drop_rest();  // not worth doing
    }
  });
  if (s.failure) std::rethrow_exception(std::exchange(s.failure, nullptr));
}

Parallel ThreadPool::parallel() {
  return {this, threads(), [](void* pool, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
            static_cast<ThreadPool*>(pool)->parallel_for(count, grain, {body, data});
          }};
}

}  // namespace octet
