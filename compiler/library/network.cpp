#include "compiler/library/network.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "runtime/steps/huge_pages.h"

namespace octet::compiled {

namespace {

const Variant* find_variant(const Network& network, const char* features) {
  for (int i = network.variant_count; i-- > 0;) {
    const Variant& variant = network.variants[i];
    if ((features == nullptr || std::strcmp(features, variant.name) == 0) && cpu_supports(variant.target))
      return &variant;
  }
  return nullptr;
}

/// Has the system map pages all at once, which takes a fraction of the time that it takes to map one after the other as
/// they are first used: the first `needed` bytes of an arena, on large pages, which take a third of the time, where
/// whole ones lie within `bytes`; and a variant's constants. Older systems cannot; nothing depends on it.
void map_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t needed, [[maybe_unused]] size_t bytes,
               [[maybe_unused]] const Variant& variant) {
#if defined(MADV_POPULATE_WRITE)
  const auto up = [](uintptr_t at, uintptr_t unit) { return (at + unit - 1) / unit * unit; };
  const auto map = [](uintptr_t begin, uintptr_t end, int advice) {
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), first = begin / page * page;
    madvise(reinterpret_cast<void*>(first), end - first, advice);
  };
  const auto at = reinterpret_cast<uintptr_t>(memory), end = at + needed;
  prefer_huge_pages(memory, std::min(bytes, up(end, kHugePage) - at));
  map(at, end, MADV_POPULATE_WRITE);
  const auto constants = reinterpret_cast<uintptr_t>(variant.constants);
  map(constants, constants + static_cast<size_t>(variant.constant_bytes), MADV_POPULATE_READ);
#endif
}

}  // namespace

Instance* Instance::create(const Network& network, void* memory, size_t bytes, const char* features) {
  static_assert(sizeof(Instance) <= kMembersAt);
  const Variant* const variant = find_variant(network, features);
  const bool aligned = reinterpret_cast<uintptr_t>(memory) % kArenaAlignment == 0;
  if (variant == nullptr || memory == nullptr || !aligned || bytes < Instance::bytes(network)) return nullptr;
  const size_t before_arena = Instance::bytes(network) - static_cast<size_t>(network.arena_bytes);
  map_pages(memory, before_arena + static_cast<size_t>(variant->arena_bytes), bytes, *variant);
  return new (memory) Instance(network, *variant, static_cast<std::byte*>(memory));
}

Instance::Instance(const Network& network, const Variant& variant, std::byte* memory)
    : network_(network),
      variant_(variant),
      tensors_(reinterpret_cast<std::byte**>(memory + kMembersAt + kMemberBytes)),
      arena_(memory + kMembersAt + kMemberBytes + pointer_bytes(network)),
      members_(reinterpret_cast<Team::Member*>(memory + kMembersAt)) {
  for (int i = 0; i < kMostThreads; i++) new (&members_[i]) Team::Member;
  for (int32_t i = 0; i < variant.tensor_count; i++) {
    const Place& place = variant.tensors[i];
    tensors_[i] = place.in == Place::In::Arena       ? arena_ + place.offset
                  : place.in == Place::In::Constants ? const_cast<std::byte*>(variant.constants) + place.offset
                                                     : nullptr;
  }
  for (const Fill* fill = variant.fills; fill->bytes > 0; fill++)
    std::memset(arena_ + fill->offset, fill->value, static_cast<size_t>(fill->bytes));
  for (int32_t i = 0; i < network.input_count; i++)
    std::memset(tensors_[variant.inputs[i]], 0, static_cast<size_t>(network.input_bytes[i]));
}

void Instance::stop_threads() {
  if (team_ != nullptr) team_->stop();
  team_ = nullptr;
  parallel_ = {};
}

void Instance::destroy() { stop_threads(); }

int Instance::start_threads(int threads) {
  if (threads < 1 || threads > kMostThreads) return -1;
  stop_threads();
  if (threads == 1) return 0;
  Team* const team = new (team_memory_) Team(members_, threads);
  if (!team->start()) return -1;
  team_ = team;
  parallel_ =
      Parallel(team, threads, [](void* pool, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
        static_cast<Team*>(pool)->parallel_for(count, grain, {body, data});
      });
  return 0;
}

int Instance::use_threads_of(const CallerParallel* caller) {
  if (caller != nullptr && (caller->run == nullptr || caller->threads < 1)) return -1;
  stop_threads();
  if (caller != nullptr) parallel_ = Parallel(caller->context, caller->threads, caller->run);
  return 0;
}

int Instance::run(void (*after)(void* context, int step), void* context) {
  const Parallel alone;
  BadIndex bad;
  for (int32_t i = 0; i < variant_.step_count; i++) {
    const StepEntry& step = variant_.steps[i];
    const RunContext run{.tensors = tensors_,
                         .constants = variant_.constants,
                         .kernels = variant_.kernels,
                         .scratch = step.scratch < 0 ? nullptr : arena_ + step.scratch,
                         .pool = step.alone ? alone : parallel_,
                         .bad_index = &bad};
    step.run(step.step, run);
    if (bad.found()) return i + 1;
    if (after != nullptr) after(context, i);
  }
  return 0;
}

}  // namespace octet::compiled
