// A Plan is a network made ready for one target: an ordered list of steps (a kernel, its packed weights, where its
// tensors lie in the arena). It is immutable and shared by any number of sessions; it keeps nothing of the Model:
// constants are packed, or copied where a step reads them as they are.
//
// Each operator is planned in runtime/ops/: a function that packs what it needs into the plan and adds one step.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/graph.h"
#include "runtime/kernels.h"
#include "runtime/steps/steps.h"
#include "runtime/target.h"

namespace octet {

/// What a step does: plain data, run by run() (steps/steps.h).
using Work = std::variant<ConvolutionStep, DepthwiseStep, BinaryStep, PoolStep, MeanStep, LookupStep, MoveStep,
                          GatherStep, ResizeNearestStep, ResizeBilinearStep, QuantizeStep, DequantizeStep, CastStep,
                          ArgMaxStep, PreluStep, SoftmaxStep, L2NormalizationStep, BlockStep>;

struct Step {
  std::string layer;    // operator and output: "CONV_2D MobilenetV1/Conv2d_0/Relu6"
  std::string kernel;   // the kernel's name in the manifest, or what the plain C++ is called
  int32_t source = -1;  // index in Model::operators
  int64_t macs = 0;
  int64_t weight_bytes = 0;            // packed
  std::vector<int32_t> reads, writes;  // activation tensors (no constants)
  int64_t scratch_bytes = 0;
  bool in_place = false;  // writes[0] may lie where reads[0] did, if nobody reads that later
  Range kernels{};        // that it names, of Plan::kernels()
  Work work;
};

/// A tensor as a user of the session sees it.
struct TensorInfo {
  std::string name;
  DataType type;
  std::vector<int32_t> shape;
  Quantization quantization;
  size_t bytes;
};

struct PlanOptions {
  Target target = best_target();
  CoreKind cores = core_kind();              // that the network will run on
  bool keep_all = false;                     // no tensor's memory is reused, so that all can be read after a run
  std::vector<std::string> passes_off = {};  // passes by name (passes.h) that are not to run
  /// Blocks of layers whose intermediates do not fit into a cache of so many bytes are computed in bands that do
  /// (fuse_blocks.h). 0: layer by layer, which is as fast where caches are large.
  int64_t fuse_blocks_bytes = 0;
  int64_t max_bytes = int64_t{1} << 31;  // a network whose arena, or whose weights and tables, need more is refused
  /// The kernels of a family that the step of this number may take; those of the manifest where this is empty. Which
  /// operators are one step, they do not decide.
  std::function<std::vector<Kernel>(size_t step, Family family)> kernels = {};
  /// Whether kernels will be compiled for each layer, so that they have no functions yet; and kernels besides the
  /// manifest's that then may be taken.
  bool compiles_kernels = false;
  std::span<const KernelInfo> more_kernels = {};
};

/// All kernels of a family that a plan with these options may take, the manifest's first.
std::vector<Kernel> kernels_for(Family family, const PlanOptions& options);

/// Where tensors lie in the arena, and what that costs, in bytes.
struct MemoryPlan {
  std::vector<int64_t> offset;          // by tensor index; -1: not in the arena (constant, or unused)
  std::vector<int64_t> scratch_offset;  // by step; -1: it has none
  int64_t arena_bytes = 0;              // without the slack behind the last tensor
  int64_t lower_bound_bytes = 0;        // largest sum of tensors and scratch alive at once
};

/// A tensor of the plan's own, all of whose bytes are the same, always: who makes an arena fills it.
struct FilledTensor {
  int32_t tensor;
  uint8_t value;
};

/// A block of layers that can be computed in bands (steps/block.h), and where its intermediates lie meanwhile.
struct BlockMemory {
  std::string layer;                // BLOCK and its output
  int64_t layers = 0;               // how many
  int64_t rows = 0, band_rows = 0;  // of its output; the same where it was not fused
  int64_t weight_bytes = 0;
  int64_t apart_bytes = 0;  // whole tensors, and copies of these that layers make
  int64_t fused_bytes = 0;  // a band's buffers; where it was not fused, apart_bytes

  bool fused() const { return band_rows < rows; }
  int64_t bands() const { return ceil_div(rows, band_rows); }
  /// Memory that is written and read by and by, each byte of it once: buffers stay in the cache meanwhile.
  int64_t traffic_apart() const { return 2 * apart_bytes; }
  int64_t traffic() const { return 2 * fused_bytes; }
};

class Plan {
 public:
  /// Lowers, runs the passes, plans every operator. Throws ModelError.
  static std::shared_ptr<const Plan> make(const Model& model, const PlanOptions& options = {});

  const std::string& name() const { return name_; }
  Target target() const { return target_; }
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<TensorInfo>& inputs() const { return input_infos_; }
  const std::vector<TensorInfo>& outputs() const { return output_infos_; }
  const MemoryPlan& memory() const { return memory_; }
  /// With PlanOptions::fuse_blocks_bytes: all blocks, and the arena if they were not fused.
  const std::vector<BlockMemory>& layer_blocks() const { return layer_blocks_; }
  int64_t arena_bytes_apart() const { return arena_bytes_apart_; }
  /// The kernels that steps name by index.
  const std::vector<Kernel>& kernels() const { return kernels_; }
  /// Everything that steps read and never change: packed weights, tables, tensors; kSlackBytes readable behind it.
  std::span<const std::byte> constants() const { return {constants_.get(), static_cast<size_t>(constant_bytes_)}; }
  /// Where tensors that never change lie among the constants, by tensor index.
  const std::map<int32_t, int64_t>& constant_tensors() const { return constant_tensors_; }
  const std::vector<FilledTensor>& filled_tensors() const { return filled_tensors_; }
  /// What a tensor holds, without margins.
  int64_t tensor_bytes(int32_t tensor) const { return tensor_bytes_.at(static_cast<size_t>(tensor)); }
  /// The tensors that are the network's inputs and outputs.
  const std::vector<int32_t>& input_tensors() const { return inputs_; }
  const std::vector<int32_t>& output_tensors() const { return outputs_; }
  /// Weights, tables and offsets that the steps keep.
  int64_t packed_bytes() const { return packed_bytes_; }
  /// Of these, weights alone, as packed; and as the file has them.
  int64_t packed_weight_bytes() const { return packed_weight_bytes_; }
  int64_t file_weight_bytes() const { return file_weight_bytes_; }
  int64_t macs() const;

 private:
  friend class PlanBuilder;
  friend class Session;
  Plan() = default;
  void* allocate(int64_t bytes);
  int64_t offset_of(const void* constant) const;
  void join_blocks();
  void keep_constants(const Node& node, const Graph& graph);
  void keep_constant(int32_t tensor, const Graph& graph);
  MemoryPlan plan_arena(const Graph& graph) const;

  std::string name_;
  Target target_{};
  bool keep_all_ = false;
  std::vector<Step> steps_;
  std::vector<int64_t> tensor_bytes_;  // by tensor index: the graph's, then the plan's own
  std::vector<bool> sign_flipped_;     // by tensor index: the file's type has the other sign
  std::vector<FilledTensor> filled_tensors_;
  std::vector<int32_t> inputs_, outputs_;
  std::vector<TensorInfo> input_infos_, output_infos_;
  std::vector<Kernel> kernels_;
  std::vector<KernelFunction> functions_;  // of kernels_
  std::map<int32_t, int64_t> constant_tensors_;
  /// Constants while they are made; their offsets count through all blocks.
  struct Block {
    std::shared_ptr<std::byte> bytes;
    int64_t first, used, size;  // first: offset of the block
  };
  std::vector<Block> blocks_;
  int64_t first_block_bytes_ = 0;
  std::shared_ptr<std::byte> constants_;  // all of them, once the plan is made
  int64_t constant_bytes_ = 0;
  MemoryPlan memory_;
  std::vector<BlockMemory> layer_blocks_;
  int64_t arena_bytes_apart_ = 0;
  int64_t packed_bytes_ = 0, packed_weight_bytes_ = 0, file_weight_bytes_ = 0;
};

/// What an operator's planning function works with.
class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, const PlanOptions& options, Plan& plan);

  const Graph& graph() const { return graph_; }
  const PlanOptions& options() const { return options_; }
  Target target() const { return options_.target; }
  const Tensor& tensor(int32_t index) const { return graph_.tensors.at(static_cast<size_t>(index)); }
  /// Room that is left around an image in memory (pass pad_in_place).
  Pads margins(int32_t tensor) const;

  /// An array of T that lives as long as the plan: zeroed, 64-byte aligned, kSlackBytes readable behind it.
  template <typename T>
  T* keep(int64_t count) {
    return static_cast<T*>(keep_bytes(count * static_cast<int64_t>(sizeof(T))));
  }
  /// The same for weights (counted apart). `file_bytes`: what they take in the file.
  template <typename T>
  T* keep_weights(int64_t count, int64_t file_bytes) {
    return static_cast<T*>(keep_weight_bytes(count * static_cast<int64_t>(sizeof(T)), file_bytes));
  }
  /// The same array for the same key (offset tables of layers with equal geometry): made by `fill` the first time.
  const int32_t* keep_table(const std::string& key, int64_t count, const std::function<void(int32_t*)>& fill);

  /// How steps name what lies in memory that was kept.
  template <typename T>
  Constant<T> constant(const T* kept) const {
    return {offset_of(kept)};
  }
  /// A kept copy.
  template <typename T>
  ConstantArray<T> keep_array(std::span<const T> values) {
    T* const kept = keep<T>(std::ssize(values));
    std::copy(values.begin(), values.end(), kept);
    return {constant(kept), std::ssize(values)};
  }
  /// A tensor of at least so many bytes, each of them `value`. A step that reads it says so.
  int32_t filled_tensor(uint8_t value, int64_t bytes);
  /// The kernels that the next step may take.
  std::vector<Kernel> kernels(Family family) const;
  /// How steps name a kernel; each use is a kernel of the network by itself.
  KernelIndex use(const Kernel& kernel);

  /// A step for `node` with layer, source, macs, reads and writes filled in; `work` is left.
  Step step_for(const Node& node, std::string kernel) const;
  void add(Step step);

 private:
  void* keep_bytes(int64_t bytes);
  void* keep_weight_bytes(int64_t bytes, int64_t file_bytes);
  int64_t offset_of(const void* kept) const;

  const Graph& graph_;
  const PlanOptions& options_;
  Plan& plan_;
  std::map<std::string, const int32_t*> tables_;
};

/// Plans one node: finds the planning function of its operator (runtime/ops/ops.h).
void plan_node(const Node& node, PlanBuilder& builder);

}  // namespace octet
