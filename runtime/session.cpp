#include "runtime/session.h"

#include <cstring>

#include "runtime/aligned_memory.h"
#include "runtime/thread_pool.h"

namespace octet {

struct Session::State {
  State(const Plan& plan, int threads) : pool(threads) {
    const MemoryPlan& memory = plan.memory_;
    arena = allocate_zeroed(memory.arena_bytes + kSlackBytes);
    for (const int64_t offset : memory.offset) tensors.push_back(offset < 0 ? nullptr : arena.get() + offset);
    for (const auto& [tensor, offset] : plan.constant_tensors_)
      tensors[static_cast<size_t>(tensor)] = plan.constants_.get() + offset;
    for (const FilledTensor& filled : plan.filled_tensors()) {
      if (std::byte* const bytes = contents(filled.tensor))
        std::memset(bytes, filled.value, static_cast<size_t>(plan.tensor_bytes(filled.tensor)));
    }
  }

  std::byte* contents(int32_t tensor) const { return tensors[static_cast<size_t>(tensor)]; }
  void run_step(const Plan& plan, size_t index) {
    const int64_t scratch = plan.memory().scratch_offset[index];
    const Step& step = plan.steps()[index];
    const Parallel threads = pool.parallel();
    BadIndex bad;
    const RunContext context{.tensors = tensors.data(),
                             .constants = plan.constants_.get(),
                             .kernels = plan.functions_.data(),
                             .scratch = scratch < 0 ? nullptr : arena.get() + scratch,
                             .pool = threads,
                             .bad_index = &bad};
    std::visit([&](const auto& work) { octet::run(work, context); }, step.work);
    if (bad.found())
      throw ModelError(step.layer + ": index " + std::to_string(bad.index) + " is outside of an axis of " +
                       std::to_string(bad.extent));
  }

  std::shared_ptr<std::byte> arena;
  std::vector<std::byte*> tensors;  // by tensor index; null: no memory
  ThreadPool pool;
};

Session::Session(std::shared_ptr<const Plan> plan, int threads) : plan_(std::move(plan)) {
  if (!cpu_supports(plan_->target())) {
    throw ModelError("target '" + std::string(name_of(plan_->target())) + "' is not supported by this CPU");
  }
  state_ = std::make_unique<State>(*plan_, threads);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

int Session::threads() const { return state_->pool.threads(); }

std::span<std::byte> Session::input(size_t index) {
  return {state_->contents(plan_->inputs_.at(index)), plan_->input_infos_[index].bytes};
}

std::span<const std::byte> Session::output(size_t index) const {
  return {state_->contents(plan_->outputs_.at(index)), plan_->output_infos_[index].bytes};
}

void Session::run() {
  for (size_t i = 0; i < plan_->steps().size(); ++i) state_->run_step(*plan_, i);
}

void Session::run(const std::function<void(size_t)>& after) {
  for (size_t i = 0; i < plan_->steps().size(); ++i) {
    state_->run_step(*plan_, i);
    after(i);
  }
}

const std::byte* Session::stored(int32_t index) const { return state_->contents(index); }

std::vector<std::byte> Session::tensor(int32_t index) const {
  if (!plan_->keep_all_) throw std::logic_error("Session::tensor needs a plan that keeps all tensors");
  const auto at = static_cast<size_t>(index);
  const std::byte* const bytes = state_->tensors.at(at);
  if (bytes == nullptr) return {};
  std::vector<std::byte> contents(bytes, bytes + plan_->tensor_bytes_[at]);
  if (plan_->sign_flipped_[at]) {
    for (std::byte& b : contents) b ^= std::byte{0x80};
  }
  return contents;
}

}  // namespace octet
