#include "runtime/plan.h"

#include <algorithm>
#include <cstring>

#include "runtime/aligned_memory.h"
#include "runtime/fuse_blocks.h"
#include "runtime/memory_planner.h"
#include "runtime/passes.h"

namespace octet {
namespace {

int64_t bytes_of(const Tensor& tensor) {
  return element_count(tensor.shape) * static_cast<int64_t>(size_of(tensor.type));
}

/// The same in memory: with the margins around it.
int64_t bytes_in_memory(const Graph& graph, int32_t index) {
  const Tensor& tensor = graph.tensors[static_cast<size_t>(index)];
  const auto margins = graph.margins.find(index);
  if (margins == graph.margins.end()) return bytes_of(tensor);
  const Pads& m = margins->second;
  const std::vector<int32_t>& shape = tensor.shape;
  const int64_t height = int64_t{m.top} + shape[1] + m.bottom, width = int64_t{m.left} + shape[2] + m.right;
  return height * width * shape[0] * shape[3] * static_cast<int64_t>(size_of(tensor.type));
}

bool is_eight_bit(DataType type) { return type == DataType::Int8 || type == DataType::UInt8; }

TensorInfo info_of(const Tensor& t) {
  return {t.name, t.type, t.shape, t.quantization, static_cast<size_t>(bytes_of(t))};
}

/// Whether the operator packs its constants, so that only its first input is read as it is.
bool packs_constants(const Op& op) {
  return std::holds_alternative<Convolution>(op) || std::holds_alternative<Depthwise>(op);
}

std::string mebibytes(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

void check_size(const char* what, int64_t bytes, const PlanOptions& options) {
  if (bytes > options.max_bytes)
    throw ModelError(std::string(what) + " take " + mebibytes(bytes) + ": more than the limit of " +
                     mebibytes(options.max_bytes));
}

}  // namespace

std::shared_ptr<const Plan> Plan::make(const Model& model, const PlanOptions& options) {
  const Graph graph = run_passes(lower(model), options);
  const std::shared_ptr<Plan> plan(new Plan);
  plan->name_ = model.name;
  plan->target_ = options.target;
  plan->keep_all_ = options.keep_all;
  plan->inputs_ = graph.inputs;
  plan->outputs_ = graph.outputs;
  for (const int32_t t : graph.inputs) plan->input_infos_.push_back(info_of(graph.tensors[static_cast<size_t>(t)]));
  for (const int32_t t : graph.outputs) plan->output_infos_.push_back(info_of(graph.tensors[static_cast<size_t>(t)]));
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const DataType type = graph.tensors[i].type;
    plan->tensor_bytes_.push_back(bytes_of(graph.tensors[i]));
    check_size("activations", plan->tensor_bytes_.back(), options);
    plan->sign_flipped_.push_back(i < model.tensors.size() && is_eight_bit(type) && type != model.tensors[i].type);
  }

  // Rarely more than what 16-bit weights take; what is not used costs nothing.
  for (const Tensor& tensor : graph.tensors) plan->first_block_bytes_ += 3 * static_cast<int64_t>(tensor.data.size());
  PlanBuilder builder(graph, options, *plan);
  for (const Node& node : graph.nodes) {
    plan_node(node, builder);
    plan->keep_constants(node, graph);
  }
  for (const int32_t t : graph.outputs) plan->keep_constant(t, graph);
  if (options.fuse_blocks_bytes > 0 && !options.keep_all) {
    PlanOptions apart = options;  // whose passes decide otherwise too
    apart.fuse_blocks_bytes = 0;
    plan->arena_bytes_apart_ = make(model, apart)->memory().arena_bytes;
    plan->layer_blocks_ = fuse_blocks(plan->steps_, plan->outputs_, options.fuse_blocks_bytes);
  }
  plan->memory_ = plan->plan_arena(graph);
  check_size("activations", plan->memory_.arena_bytes, options);
  plan->join_blocks();
  return plan;
}

int64_t Plan::macs() const {
  int64_t sum = 0;
  for (const Step& step : steps_) sum += step.macs;
  return sum;
}

void Plan::keep_constants(const Node& node, const Graph& graph) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] >= 0 && (i == 0 || !packs_constants(node.op))) keep_constant(node.inputs[i], graph);
  }
}

void Plan::keep_constant(int32_t tensor, const Graph& graph) {
  const std::span<const std::byte> data = graph.tensors[static_cast<size_t>(tensor)].data;
  if (data.empty() || constant_tensors_.contains(tensor)) return;
  auto* const copy = static_cast<std::byte*>(allocate(static_cast<int64_t>(data.size())));
  std::memcpy(copy, data.data(), data.size());
  constant_tensors_[tensor] = offset_of(copy);
  packed_bytes_ += static_cast<int64_t>(data.size());
}

MemoryPlan Plan::plan_arena(const Graph& graph) const {
  std::vector<int64_t> arena_tensors = tensor_bytes_;
  std::vector<int32_t> always_alive = inputs_;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    arena_tensors[i] = graph.tensors[i].data.empty() ? bytes_in_memory(graph, static_cast<int32_t>(i)) : 0;
    if (graph.tensors[i].is_variable) always_alive.push_back(static_cast<int32_t>(i));
  }
  for (const FilledTensor& filled : filled_tensors_) {
    const auto reads = [&](const Step& step) { return std::ranges::count(step.reads, filled.tensor) > 0; };
    if (std::ranges::any_of(steps_, reads)) always_alive.push_back(filled.tensor);
  }
  return plan_memory({steps_, arena_tensors, always_alive, outputs_, keep_all_});
}

void* Plan::allocate(int64_t bytes) {
  constexpr int64_t kBlockBytes = int64_t{1} << 20;
  const int64_t need = align_up(std::max<int64_t>(bytes, 1));
  if (blocks_.empty() || blocks_.back().used + need > blocks_.back().size) {
    const int64_t size = align_up(std::max(need, kBlockBytes) + (blocks_.empty() ? first_block_bytes_ : 0));
    const int64_t first = blocks_.empty() ? 0 : blocks_.back().first + blocks_.back().size;
    blocks_.push_back({allocate_zeroed(size + kSlackBytes), first, 0, size});
  }
  Block& block = blocks_.back();
  std::byte* const start = block.bytes.get() + block.used;
  block.used += need;
  return start;
}

int64_t Plan::offset_of(const void* constant) const {
  const auto* const at = static_cast<const std::byte*>(constant);
  for (const Block& block : blocks_) {
    const std::byte* const begin = block.bytes.get();
    if (!std::less<>()(at, begin) && std::less<>()(at, begin + block.size)) return block.first + (at - begin);
  }
  throw std::logic_error("not a constant of this plan");
}

void Plan::join_blocks() {
  if (blocks_.empty()) return;
  constant_bytes_ = blocks_.back().first + blocks_.back().used;
  if (blocks_.size() == 1) {
    constants_ = blocks_[0].bytes;
  } else {
    constants_ = allocate_zeroed(constant_bytes_ + kSlackBytes);
    for (const Block& b : blocks_) std::memcpy(constants_.get() + b.first, b.bytes.get(), static_cast<size_t>(b.used));
  }
  blocks_.clear();
}

std::vector<Kernel> kernels_for(Family family, const PlanOptions& options) {
  std::vector<Kernel> kernels = find_kernels(family, options.target, options.cores);
  if (!options.compiles_kernels) return kernels;
  for (Kernel& kernel : kernels) kernel.function = nullptr;
  for (const KernelInfo& info : options.more_kernels)
    if (info.family == family && info.target == options.target) kernels.push_back({&info, nullptr});
  return kernels;
}

PlanBuilder::PlanBuilder(const Graph& graph, const PlanOptions& options, Plan& plan)
    : graph_(graph), options_(options), plan_(plan) {}

Pads PlanBuilder::margins(int32_t tensor) const {
  const auto found = graph_.margins.find(tensor);
  return found == graph_.margins.end() ? Pads{} : found->second;
}

void* PlanBuilder::keep_bytes(int64_t bytes) {
  plan_.packed_bytes_ += bytes;
  check_size("weights and tables", plan_.packed_bytes_, options_);
  return plan_.allocate(bytes);
}

void* PlanBuilder::keep_weight_bytes(int64_t bytes, int64_t file_bytes) {
  plan_.packed_weight_bytes_ += bytes;
  plan_.file_weight_bytes_ += file_bytes;
  return keep_bytes(bytes);
}

const int32_t* PlanBuilder::keep_table(const std::string& key, int64_t count,
                                       const std::function<void(int32_t*)>& fill) {
  const int32_t*& table = tables_[key];
  if (table == nullptr) {
    auto* const made = keep<int32_t>(count);
    fill(made);
    table = made;
  }
  return table;
}

Step PlanBuilder::step_for(const Node& node, std::string kernel) const {
  Step step;
  step.layer = node.name;
  if (!node.outputs.empty()) step.layer += " " + tensor(node.outputs[0]).name;
  step.kernel = std::move(kernel);
  step.source = node.source;
  step.macs = macs_of(node.op);
  for (const int32_t t : node.inputs) {
    if (t >= 0 && tensor(t).data.empty()) step.reads.push_back(t);
  }
  step.writes = node.outputs;
  return step;
}

int64_t PlanBuilder::offset_of(const void* kept) const { return plan_.offset_of(kept); }

int32_t PlanBuilder::filled_tensor(uint8_t value, int64_t bytes) {
  const auto known = std::ranges::find(plan_.filled_tensors_, value, &FilledTensor::value);
  if (known != plan_.filled_tensors_.end()) {
    int64_t& size = plan_.tensor_bytes_[static_cast<size_t>(known->tensor)];
    size = std::max(size, bytes);
    return known->tensor;
  }
  const auto tensor = static_cast<int32_t>(plan_.tensor_bytes_.size());
  plan_.filled_tensors_.push_back({tensor, value});
  plan_.tensor_bytes_.push_back(bytes);
  plan_.sign_flipped_.push_back(false);
  return tensor;
}

std::vector<Kernel> PlanBuilder::kernels(Family family) const {
  return options_.kernels ? options_.kernels(plan_.steps_.size(), family) : kernels_for(family, options_);
}

KernelIndex PlanBuilder::use(const Kernel& kernel) {
  plan_.kernels_.push_back(kernel);
  plan_.functions_.push_back(kernel.function);
  return static_cast<KernelIndex>(plan_.kernels_.size()) - 1;
}

void PlanBuilder::add(Step step) {
  const int64_t first = plan_.steps_.empty() ? 0 : plan_.steps_.back().kernels.end;
  step.kernels = {first, std::ssize(plan_.kernels_)};
  step.weight_bytes = plan_.packed_weight_bytes_;
  for (const Step& before : plan_.steps_) step.weight_bytes -= before.weight_bytes;
  plan_.steps_.push_back(std::move(step));
}

}  // namespace octet
