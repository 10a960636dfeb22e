// Loops that threads share. A step says what may run at once; who runs it is the caller's.
#pragma once

#include <cstdint>

namespace octet {

/// A reference to something that is called as body(begin, end); owns nothing, as short-lived as the call it is for.
class RangeBody {
 public:
  using Function = void (*)(void* data, int64_t begin, int64_t end);

  RangeBody(Function function, void* data) : function_(function), data_(data) {}
  template <typename Body>
  requires requires(const Body& body) { body(int64_t{}, int64_t{}); }
  RangeBody(const Body& body)  // NOLINT: implicit, as a parameter's type
      : function_([](void* data, int64_t begin, int64_t end) { (*static_cast<const Body*>(data))(begin, end); }),
        data_(const_cast<Body*>(&body)) {}

  void operator()(int64_t begin, int64_t end) const { function_(data_, begin, end); }
  Function function() const { return function_; }
  void* data() const { return data_; }

 private:
  Function function_;
  void* data_;
};

/// The threads of a run: by default the calling one alone.
class Parallel {
 public:
  /// Runs body over disjoint ranges that cover [0, count), which start at multiples of `grain`, and returns when all
  /// are done.
  using Run = void (*)(void* pool, int64_t count, int64_t grain, RangeBody::Function body, void* data);

  Parallel() = default;
  Parallel(void* pool, int threads, Run run) : pool_(pool), run_(run), threads_(threads) {}

  int threads() const { return threads_; }
  void parallel_for(int64_t count, int64_t grain, RangeBody body) const {
    if (count <= 0) return;
    if (run_ == nullptr || count <= grain) return body(0, count);
    run_(pool_, count, grain, body.function(), body.data());
  }

 private:
  void* pool_ = nullptr;
  Run run_ = nullptr;
  int threads_ = 1;
};

/// Elements of work below which threads do not help, where each costs about a byte's copy.
inline constexpr int64_t kGrainBytes = int64_t{1} << 15;
/// The same for work that costs some instructions an element.
inline constexpr int64_t kGrainElements = int64_t{1} << 12;

}  // namespace octet
