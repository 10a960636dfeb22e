// A compiled network when it runs: constant tables that the model compiler writes, and an instance in memory that the
// caller gives. Needs the C library and POSIX threads, nothing of C++'s.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/steps/steps.h"
#include "runtime/steps/team.h"
#include "runtime/target.h"

namespace octet::compiled {

struct StepEntry {
  void (*run)(const void* step, const RunContext& context);
  const void* step;
  int64_t scratch;  // offset in the arena; -1: it has none
  bool alone;       // on the caller's thread: waking others would take longer
};

/// Where a tensor lies.
struct Place {
  enum class In : int32_t { Nowhere, Arena, Constants };
  In in;
  int64_t offset;
};

/// Bytes of the arena that are always the same (Plan::filled_tensors).
struct Fill {
  int64_t offset, bytes;
  uint8_t value;
};

/// A network for one instruction set.
struct Variant {
  Target target;
  const char* name;
  const StepEntry* steps;
  int32_t step_count;
  const std::byte* constants;  // kSlackBytes readable behind them
  int64_t constant_bytes;
  int64_t arena_bytes;  // of the network's
  const KernelFunction* kernels;
  const Place* tensors;
  int32_t tensor_count;
  const Fill* fills;                // the last one has no bytes
  const int32_t *inputs, *outputs;  // tensors
};

struct Network {
  const Variant* variants;  // slowest first
  int32_t variant_count;
  int32_t input_count, output_count;
  const int64_t* input_bytes;
  int32_t most_tensors;
  int64_t arena_bytes;  // that steps need, the slack behind it included
};

/// The caller's threads, as the header declares them (write_source.cpp).
struct CallerParallel {
  void* context;
  int threads;
  Parallel::Run run;
};

inline constexpr int kMostThreads = 64;
inline constexpr size_t kArenaAlignment = 64;

class Instance {
 public:
  /// Of an arena; the same on all machines.
  static constexpr size_t bytes(const Network& network) {
    return kMembersAt + kMemberBytes + pointer_bytes(network) + static_cast<size_t>(network.arena_bytes);
  }
  /// In `memory` of bytes(network), aligned; features: a variant's name, or null for the CPU's best. Null where there
  /// is none, or not enough memory.
  static Instance* create(const Network& network, void* memory, size_t bytes, const char* features);
  void destroy();

  void* input(int index) const { return tensor_at(variant_.inputs, network_.input_count, index); }
  void* output(int index) const { return tensor_at(variant_.outputs, network_.output_count, index); }
  const char* features() const { return variant_.name; }
  int steps() const { return variant_.step_count; }

  /// 0; else it has the threads it had.
  int start_threads(int threads);
  int use_threads_of(const CallerParallel* caller);

  /// 0, or the number of the step, from 1, that could not take its inputs: an index outside of its axis.
  int run(void (*after)(void* context, int step), void* context);

 private:
  // The arena: this, threads, pointers to tensors, tensors.
  static constexpr size_t kMembersAt = 1024, kMemberBytes = sizeof(Team::Member) * kMostThreads;
  static constexpr size_t pointer_bytes(const Network& network) {
    const size_t bytes = static_cast<size_t>(network.most_tensors) * sizeof(std::byte*);
    return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  }
  Instance(const Network& network, const Variant& variant, std::byte* memory);
  void* tensor_at(const int32_t* tensors, int count, int index) const {
    return index < 0 || index >= count ? nullptr : tensors_[tensors[index]];
  }
  void stop_threads();

  const Network& network_;
  const Variant& variant_;
  std::byte** const tensors_;
  std::byte* const arena_;
  Team::Member* const members_;
  Team* team_ = nullptr;  // in team_memory_
  Parallel parallel_;
  alignas(64) std::byte team_memory_[sizeof(Team)];
};

/// StepEntry::run of a kind of step.
template <typename Step>
void run_step(const void* step, const RunContext& context) {
  octet::run(*static_cast<const Step*>(step), context);
}

}  // namespace octet::compiled
