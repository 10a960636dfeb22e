#include "compiler/record.h"

#include <HalideRuntime.h>

#include <algorithm>
#include <optional>

#include "runtime/aligned_memory.h"

namespace octet {

namespace {

using What = KnownArgument::What;

constexpr int64_t kMostContents = 256;  // elements

template <typename T>
void append_elements(const halide_buffer_t& buffer, std::vector<int64_t>& values) {
  for (int32_t j = 0; j < buffer.dim[1].extent; j++)
    for (int32_t i = 0; i < buffer.dim[0].extent; i++)
      values.push_back(reinterpret_cast<const T*>(buffer.host)[i * buffer.dim[0].stride + j * buffer.dim[1].stride]);
}

/// A small table.
std::optional<KnownArgument> contents_of(int argument, const halide_buffer_t& buffer) {
  if (buffer.dimensions != 2 || int64_t{buffer.dim[0].extent} * buffer.dim[1].extent > kMostContents) return {};
  KnownArgument known{argument, What::Contents, buffer.dim[0].extent, {}};
  if (buffer.type == halide_type_t(halide_type_int, 32))
    append_elements<int32_t>(buffer, known.values);
  else if (buffer.type == halide_type_t(halide_type_int, 16))
    append_elements<int16_t>(buffer, known.values);
  else
    return {};
  return known;
}

/// How far the rows lie apart that a convolution adds up: from pixel to pixel of a tile, if all taps have that (those
/// of a transposed one may lie outside the image); and from a pixel's first offset, where that is the same for all
/// pixels.
std::vector<KnownArgument> distances_of(const KernelInfo& kernel, void** arguments) {
  const auto buffer = [&](std::string_view name) -> const halide_buffer_t& {
    return *static_cast<halide_buffer_t*>(arguments[position_of(kernel, name)]);
  };
  const halide_buffer_t &runs = buffer("runs"), &out = buffer("output");
  const auto* const offsets = reinterpret_cast<const int32_t*>(buffer("offsets").host);
  const auto* const fields = reinterpret_cast<const int32_t*>(runs.host);
  const int64_t pixels = int64_t{out.dim[1].extent} * out.dim[2].extent, tile = kernel.schedule.pixels;
  const int64_t step = tile > 1 ? offsets[1] - offsets[0] : 0;
  bool same_steps = tile > 1, same_starts = runs.dim[1].extent <= kMostContents;
  const auto look_at = [&](const int32_t* tap) {
    for (int64_t p = 0; p < pixels && (same_steps || same_starts); p++) {
      same_steps = same_steps && tap[p] == tap[p - p % tile] + p % tile * step;
      same_starts = same_starts && tap[p] - offsets[p] == tap[0] - offsets[0];
    }
  };
  look_at(offsets);
  std::vector<int64_t> starts;
  for (int64_t r = 0; r < runs.dim[1].extent; r++) {
    const int32_t *const run = fields + r * kRunFields, *const tap = offsets + run[kRunOffsets];
    look_at(tap);
    starts.push_back(tap[0] - offsets[0] + run[kRunFirst]);
  }
  std::vector<KnownArgument> all;
  const int argument = position_of(kernel, "offsets");
  if (same_steps) all.push_back({argument, What::Distances, 0, {step}});
  if (same_starts) all.push_back({argument, What::Distances, 1, std::move(starts)});
  return all;
}

/// Everything about the arguments of a call that is worth telling.
std::vector<KnownArgument> describe(const KernelInfo& kernel, void** arguments) {
  std::vector<KnownArgument> all;
  const auto add = [&](KnownArgument known) {
    if (is_worth_telling(kernel, known)) all.push_back(std::move(known));
  };
  const std::span<const ArgumentInfo> infos = arguments_of(kernel);
  // Which argument the distances are of does not matter to the answer, and only convolutions have it.
  if (is_worth_telling(kernel, {0, What::Distances, 0, {}}))
    for (KnownArgument& known : distances_of(kernel, arguments)) add(std::move(known));
  for (size_t i = 0; i < infos.size(); i++) {
    const int argument = static_cast<int>(i);
    const void* const value = arguments[i];
    switch (infos[i].kind) {
      case ArgumentKind::Int16:
        add({argument, What::Value, 0, {*static_cast<const int16_t*>(value)}});
        break;
      case ArgumentKind::Int32:
        add({argument, What::Value, 0, {*static_cast<const int32_t*>(value)}});
        break;
      case ArgumentKind::Buffer: {
        const auto& buffer = *static_cast<const halide_buffer_t*>(value);
        for (int d = 0; d < buffer.dimensions; d++) {
          add({argument, What::Extent, d, {buffer.dim[d].extent}});
          add({argument, What::Stride, d, {buffer.dim[d].stride}});
        }
        if (is_worth_telling(kernel, {argument, What::Contents, 0, {}})) {
          if (auto contents = contents_of(argument, buffer)) add(std::move(*contents));
        }
      }
    }
  }
  return all;
}

/// What the calls of one kernel had in common so far.
class Notes {
 public:
  explicit Notes(const KernelInfo& kernel) : kernel_(kernel) {}
  void take(void** arguments) {
    const std::vector<KnownArgument> now = describe(kernel_, arguments);
    if (!called_) {
      known_ = now;
      called_ = true;
      return;
    }
    std::erase_if(known_, [&](const KnownArgument& known) { return std::ranges::count(now, known) == 0; });
  }
  const std::vector<KnownArgument>& known() const { return known_; }

 private:
  const KernelInfo& kernel_;
  bool called_ = false;
  std::vector<KnownArgument> known_;
};

thread_local Notes* notes = nullptr;  // kernels are functions without a state of their own

int take_note(void** arguments) {
  notes->take(arguments);
  return 0;
}

int ignore(void**) { return 0; }

/// Ways to share a loop: pieces of so many grains; 0: of a third of all.
void run_pieces(int64_t grains, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
  const int64_t units = ceil_div(count, grain);
  const int64_t piece = (grains > 0 ? grains : std::max<int64_t>(1, units / 3)) * grain;
  for (int64_t begin = 0; begin < count; begin += piece) body(data, begin, std::min(begin + piece, count));
}
template <int64_t Grains>
void run_in_pieces(void*, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
  run_pieces(Grains, count, grain, body, data);
}

/// What the steps may be given; numbers of threads decide how loops are cut.
std::vector<Parallel> ways_to_share() {
  std::vector<Parallel> ways = {Parallel()};
  for (const int threads : {2, 3, 8, 64}) {
    for (const Parallel::Run run :
         {run_in_pieces<1>, run_in_pieces<2>, run_in_pieces<3>, run_in_pieces<0>, run_in_pieces<INT32_MAX>})
      ways.emplace_back(nullptr, threads, run);
  }
  return ways;
}

}  // namespace

std::vector<std::vector<KnownArgument>> record_arguments(const Plan& plan, const std::vector<bool>& alone) {
  const MemoryPlan& memory = plan.memory();
  const std::shared_ptr<std::byte> arena = allocate_zeroed(memory.arena_bytes + kSlackBytes);
  std::vector<std::byte*> tensors;
  for (const int64_t offset : memory.offset) tensors.push_back(offset < 0 ? nullptr : arena.get() + offset);
  for (const auto& [tensor, offset] : plan.constant_tensors())
    tensors[static_cast<size_t>(tensor)] = const_cast<std::byte*>(plan.constants().data()) + offset;
  std::vector<KernelFunction> functions(plan.kernels().size(), ignore);
  std::vector<std::vector<KnownArgument>> known(functions.size());
  const std::vector<Parallel> all_ways = ways_to_share();

  for (size_t s = 0; s < plan.steps().size(); s++) {
    const Step& step = plan.steps()[s];
    const int64_t scratch = memory.scratch_offset[s];
    const std::span<const Parallel> ways(all_ways.data(), alone[s] ? 1 : all_ways.size());
    for (int64_t k = step.kernels.begin; k < step.kernels.end; k++) {
      const auto index = static_cast<size_t>(k);
      Notes of_kernel(*plan.kernels()[index].info);
      notes = &of_kernel;
      functions[index] = take_note;
      for (const Parallel& way : ways) {
        BadIndex bad;
        const RunContext context{.tensors = tensors.data(),
                                 .constants = plan.constants().data(),
                                 .kernels = functions.data(),
                                 .scratch = scratch < 0 ? nullptr : arena.get() + scratch,
                                 .pool = way,
                                 .bad_index = &bad};
        std::visit([&](const auto& work) { run(work, context); }, step.work);
      }
      functions[index] = ignore;
      known[index] = of_kernel.known();
    }
  }
  return known;
}

}  // namespace octet
