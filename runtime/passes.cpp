#include "runtime/passes.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "runtime/ops/affine_sum.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {
namespace {

bool is_8bit(DataType type) { return type == DataType::UInt8 || type == DataType::Int8; }
int32_t lowest(DataType type) { return type == DataType::UInt8 ? 0 : -128; }

Tensor& tensor_of(Graph& graph, int32_t index) { return graph.tensors[static_cast<size_t>(index)]; }
const Tensor& tensor_of(const Graph& graph, int32_t index) { return graph.tensors[static_cast<size_t>(index)]; }

bool contains(const std::vector<int32_t>& list, int32_t value) { return std::ranges::find(list, value) != list.end(); }

/// Who reads and writes each tensor, as indices of nodes.
struct Uses {
  std::vector<std::vector<size_t>> readers;  // one entry a reading input
  std::vector<int64_t> writer;               // -1: none
  std::vector<bool> is_output;               // of the graph

  explicit Uses(const Graph& graph)
      : readers(graph.tensors.size()), writer(graph.tensors.size(), -1), is_output(graph.tensors.size()) {
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const int32_t t : graph.nodes[n].inputs) {
        if (t >= 0) readers[static_cast<size_t>(t)].push_back(n);
      }
      for (const int32_t t : graph.nodes[n].outputs) writer[static_cast<size_t>(t)] = static_cast<int64_t>(n);
    }
    for (const int32_t t : graph.outputs) is_output[static_cast<size_t>(t)] = true;
  }

  bool unread(int32_t t) const { return readers[static_cast<size_t>(t)].empty() && !is_output[static_cast<size_t>(t)]; }
};

void drop_nodes(Graph& graph, const std::vector<bool>& dead) {
  size_t kept = 0;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (dead[n]) continue;
    if (kept != n) graph.nodes[kept] = std::move(graph.nodes[n]);
    ++kept;
  }
  graph.nodes.resize(kept);
}

// ---- fold_pads

/// How much a Move pads the height and width of an image with zeros of its own quantization; nothing if it does more.
std::optional<Pads> zero_padding(const Graph& graph, const Node& node) {
  const Move* move = std::get_if<Move>(&node.op);
  if (move == nullptr || !move->fill || move->blocks.size() != 1 || node.inputs.size() != 1) return std::nullopt;
  const Tensor& in = tensor_of(graph, node.inputs[0]);
  const Tensor& out = tensor_of(graph, node.outputs[0]);
  const Move::Block& block = move->blocks[0];
  if (in.shape.size() != 4 || in.shape[0] != out.shape[0] || in.shape[3] != out.shape[3]) return std::nullopt;
  if (!std::ranges::equal(block.extents, in.shape) || block.src_offset != 0) return std::nullopt;
  if (!is_8bit(out.type) || in.quantization != out.quantization || out.quantization.zero_point.size() != 1) {
    return std::nullopt;
  }
  if ((*move->fill)[0] != static_cast<std::byte>(out.quantization.zero_point[0])) return std::nullopt;
  const auto top = static_cast<int32_t>(block.dst_offset / block.dst_strides[1]);
  const auto left = static_cast<int32_t>(block.dst_offset % block.dst_strides[1] / block.dst_strides[2]);
  return Pads{
      .top = top, .left = left, .bottom = out.shape[1] - in.shape[1] - top, .right = out.shape[2] - in.shape[2] - left};
}

template <typename Conv>
Pads sum_of(const Conv& conv, const Pads& more) {
  const Pads& pads = conv.pads;
  return {.top = pads.top + more.top,
          .left = pads.left + more.left,
          .bottom = pads.bottom + more.bottom,
          .right = pads.right + more.right};
}

/// No window may lie wholly in the padding: kernels need not provide for that.
template <typename Conv>
bool takes_padding(const Conv& conv, const Pads& more) {
  const int64_t height = int64_t{conv.k_h - 1} * conv.dilation_h + 1;
  const int64_t width = int64_t{conv.k_w - 1} * conv.dilation_w + 1;
  const Pads pads = sum_of(conv, more);
  return std::max(pads.top, pads.bottom) < height && std::max(pads.left, pads.right) < width;
}

bool takes_padding(const Node& reader, int32_t tensor, const Pads& pads) {
  if (std::ranges::count(reader.inputs, tensor) != 1 || reader.inputs[0] != tensor) return false;
  if (const auto* conv = std::get_if<Convolution>(&reader.op)) return !conv->transposed && takes_padding(*conv, pads);
  if (const auto* conv = std::get_if<Depthwise>(&reader.op)) return takes_padding(*conv, pads);
  return false;
}

void give_padding(Graph& graph, Node& reader, int32_t tensor, const Pads& pads) {
  reader.inputs[0] = tensor;
  const std::vector<int32_t>& shape = tensor_of(graph, tensor).shape;
  const auto give = [&](auto& conv) {
    conv.pads = sum_of(conv, pads);
    conv.in_h = shape[1];
    conv.in_w = shape[2];
  };
  if (auto* conv = std::get_if<Convolution>(&reader.op)) give(*conv);
  if (auto* conv = std::get_if<Depthwise>(&reader.op)) give(*conv);
}

// ---- fuse_activations

/// The range of values of an operator that clamps; null for the others.
Clamp* clamp_of(Op& op) {
  return std::visit(
      [](auto& kind) -> Clamp* {
        if constexpr (requires { kind.clamp; }) return &kind.clamp;
        return nullptr;
      },
      op);
}

int32_t value_of(DataType type, uint8_t byte) {
  return type == DataType::UInt8 ? int32_t{byte} : int32_t{static_cast<int8_t>(byte)};
}

/// The range of a table that does nothing but clamp.
std::optional<Clamp> pure_clamp(const Lookup& lookup, DataType type) {
  const int32_t low = lowest(type);
  const auto at = [&](int32_t q) { return value_of(type, lookup.table[static_cast<uint8_t>(q)]); };
  const Clamp clamp{at(low), at(low + 255)};
  if (clamp.lo > clamp.hi) return std::nullopt;
  for (int32_t q = low; q <= low + 255; ++q) {
    if (at(q) != std::clamp(q, clamp.lo, clamp.hi)) return std::nullopt;
  }
  return clamp;
}

// ---- fuse_lookups

bool same_values(const Tensor& a, const Tensor& b) { return a.type == b.type && a.quantization == b.quantization; }

bool is_identity(const Lookup& lookup) {
  for (size_t q = 0; q < 256; ++q) {
    if (lookup.table[q] != q) return false;
  }
  return true;
}

Lookup composed(const Lookup& first, const Lookup& second) {
  Lookup both;
  for (size_t q = 0; q < 256; ++q) both.table[q] = second.table[first.table[q]];
  return both;
}

/// Tables read their input's table's input, where nobody else needs that in between. Returns whether anything changed.
bool compose_lookups(Graph& graph) {
  const Uses uses(graph);
  const auto is_lookup = [&](size_t n) { return std::holds_alternative<Lookup>(graph.nodes[n].op); };
  std::vector<bool> dead(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!is_lookup(n)) continue;
    const auto middle = static_cast<size_t>(graph.nodes[n].outputs[0]);
    const std::vector<size_t>& readers = uses.readers[middle];
    if (uses.is_output[middle] || readers.empty() || !std::ranges::all_of(readers, is_lookup)) continue;
    for (const size_t reader : readers) {
      Node& second = graph.nodes[reader];
      second.op = composed(std::get<Lookup>(graph.nodes[n].op), std::get<Lookup>(second.op));
      second.inputs = graph.nodes[n].inputs;
    }
    dead[n] = true;
  }
  drop_nodes(graph, dead);
  return std::ranges::find(dead, true) != dead.end();
}

/// Readers of an identity's output read its input; or, where the graph gives its output away, the writer of its input
/// writes there. Returns whether anything changed.
bool drop_one_identity(Graph& graph) {
  const Uses uses(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const Lookup* lookup = std::get_if<Lookup>(&node.op);
    if (lookup == nullptr || !is_identity(*lookup)) continue;
    const int32_t in = node.inputs[0];
    const int32_t out = node.outputs[0];
    if (!same_values(tensor_of(graph, in), tensor_of(graph, out))) continue;
    const auto at = static_cast<size_t>(in);
    if (!uses.is_output[static_cast<size_t>(out)]) {
      for (const size_t reader : uses.readers[static_cast<size_t>(out)]) {
        std::ranges::replace(graph.nodes[reader].inputs, out, in);
      }
    } else if (uses.writer[at] >= 0 && uses.readers[at].size() == 1 && !uses.is_output[at]) {
      std::ranges::replace(graph.nodes[static_cast<size_t>(uses.writer[at])].outputs, in, out);
    } else {
      continue;
    }
    graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(n));
    return true;
  }
  return false;
}

}  // namespace

Graph fold_pads(Graph graph) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::optional<Pads> pads = zero_padding(graph, graph.nodes[n]);
    if (!pads) continue;
    const int32_t padded = graph.nodes[n].outputs[0];
    const std::vector<size_t>& readers = uses.readers[static_cast<size_t>(padded)];
    if (readers.empty() || uses.is_output[static_cast<size_t>(padded)]) continue;
    const auto takes = [&](size_t r) { return takes_padding(graph.nodes[r], padded, *pads); };
    if (!std::ranges::all_of(readers, takes)) continue;
    for (const size_t r : readers) give_padding(graph, graph.nodes[r], graph.nodes[n].inputs[0], *pads);
    dead[n] = true;
  }
  drop_nodes(graph, dead);
  return graph;
}

Graph fuse_activations(Graph graph) {
  Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Lookup* lookup = std::get_if<Lookup>(&graph.nodes[n].op);
    if (lookup == nullptr) continue;
    const int32_t middle = graph.nodes[n].inputs[0];
    const int32_t out = graph.nodes[n].outputs[0];
    const int64_t writer = uses.writer[static_cast<size_t>(middle)];
    if (writer < 0 || uses.is_output[static_cast<size_t>(middle)]) continue;
    if (uses.readers[static_cast<size_t>(middle)].size() != 1) continue;
    if (!same_values(tensor_of(graph, middle), tensor_of(graph, out))) continue;
    Node& before = graph.nodes[static_cast<size_t>(writer)];
    Clamp* clamp = clamp_of(before.op);
    const std::optional<Clamp> range = pure_clamp(*lookup, tensor_of(graph, out).type);
    if (clamp == nullptr || !range) continue;
    *clamp = {std::clamp(clamp->lo, range->lo, range->hi), std::clamp(clamp->hi, range->lo, range->hi)};
    before.outputs[0] = out;
    uses.writer[static_cast<size_t>(out)] = writer;
    dead[n] = true;
  }
  drop_nodes(graph, dead);
  return graph;
}

Graph fuse_lookups(Graph graph) {
  while (compose_lookups(graph) || drop_one_identity(graph)) {
  }
  return graph;
}

namespace {

// ---- fuse_additions

/// The convolution that gives input `own` of an ADD with that ADD made part of it; nothing where that cannot be.
std::optional<Node> with_addition(const Graph& graph, const Uses& uses, const Node& node, size_t own,
                                  const PlanOptions& options) {
  const int32_t result = node.inputs[own], addend = node.inputs[1 - own], out = node.outputs[0];
  const int64_t writer = uses.writer[static_cast<size_t>(result)];
  const bool reads_result_alone =
      uses.readers[static_cast<size_t>(result)].size() == 1 && !uses.is_output[static_cast<size_t>(result)];
  if (writer < 0 || !reads_result_alone) return std::nullopt;
  const Tensor &a = tensor_of(graph, result), &b = tensor_of(graph, addend), &sum = tensor_of(graph, out);
  if (a.shape != sum.shape || b.shape != sum.shape || !b.data.empty()) return std::nullopt;
  Node fused = graph.nodes[static_cast<size_t>(writer)];
  auto* const conv = std::get_if<Convolution>(&fused.op);
  if (conv == nullptr || conv->addition || !takes_addition(*conv, fused, graph, options)) return std::nullopt;
  Binary add = std::get<Binary>(node.op);
  if (own == 1) std::swap(add.a, add.b);
  const std::optional<AffineSum> affine =
      affine_sum(add, {sum.type, zero_point_of(a), zero_point_of(b), zero_point_of(sum)}, sum_layout(options.target));
  if (!affine) return std::nullopt;
  conv->addition = {.sum = *affine, .clamp = add.clamp, .result_zero = zero_point_of(a)};
  fused.inputs.resize(3, -1);
  fused.inputs.push_back(addend);
  fused.outputs = {out};
  return fused;
}

}  // namespace

Graph fuse_additions(Graph graph, const PlanOptions& options) {
  const Uses uses(graph);
  std::vector<bool> dead(graph.nodes.size());
  for (Node& node : graph.nodes) {
    const auto* const binary = std::get_if<Binary>(&node.op);
    if (binary == nullptr || binary->kind != Binary::Kind::Add) continue;
    const auto writer = [&](size_t i) { return uses.writer[static_cast<size_t>(node.inputs[i])]; };
    // The later one first: the other operand is there by then.
    const size_t later = writer(1) > writer(0) ? 1 : 0;
    for (const size_t own : {later, 1 - later}) {
      std::optional<Node> fused = with_addition(graph, uses, node, own, options);
      if (!fused) continue;
      dead[static_cast<size_t>(writer(own))] = true;
      node = *std::move(fused);
      break;
    }
  }
  drop_nodes(graph, dead);
  return graph;
}

namespace {

// ---- pad_in_place

/// The border that a node wants around tensor `t`, if it is an image that it else would copy.
std::optional<Pads> border_of(const Node& node, int32_t t, const PlanOptions& options) {
  if (node.inputs[0] != t || std::ranges::count(node.inputs, t) != 1) return std::nullopt;
  if (const auto* conv = std::get_if<Convolution>(&node.op)) return border_of(*conv, options.target);
  if (const auto* conv = std::get_if<Depthwise>(&node.op))
    return border_of(*conv, options.target, /*always=*/options.fuse_blocks_bytes > 0);
  return std::nullopt;
}

}  // namespace

Graph pad_in_place(Graph graph, const PlanOptions& options) {
  if (options.keep_all) return graph;  // tensors are read as they lie
  const Uses uses(graph);
  for (const Node& writer : graph.nodes) {
    const auto* conv = std::get_if<Convolution>(&writer.op);
    if (conv == nullptr || !writes_rows_apart(*conv, options)) continue;
    const int32_t t = writer.outputs[0];
    const std::vector<size_t>& readers = uses.readers[static_cast<size_t>(t)];
    if (readers.empty() || uses.is_output[static_cast<size_t>(t)]) continue;
    const auto wanted = [&](size_t n) { return border_of(graph.nodes[n], t, options); };
    const std::optional<Pads> border = wanted(readers[0]);
    if (border && std::ranges::all_of(readers, [&](size_t n) { return wanted(n) == border; })) {
      graph.margins[t] = *border;
    }
  }
  return graph;
}

namespace {

// ---- unify_sign

Lookup flip_sign_table() {
  Lookup lookup;
  for (size_t q = 0; q < 256; ++q) lookup.table[q] = static_cast<uint8_t>(q ^ 0x80);
  return lookup;
}

/// How many of a node's inputs are activations: of a convolution's, the first.
size_t activations_of(const Node& node) {
  const bool packs = std::holds_alternative<Convolution>(node.op) || std::holds_alternative<Depthwise>(node.op);
  return packs ? 1 : node.inputs.size();
}

class SignUnifier {
 public:
  SignUnifier(Graph graph, DataType type) : graph_(std::move(graph)), type_(type), flipped_(graph_.tensors.size()) {}

  Graph run() {
    std::vector<Node> nodes;
    for (const int32_t input : graph_.inputs) {
      if (wrong(input)) nodes.push_back(flip(input, replacement_[input] = add_flipped(input)));
    }
    for (Node& node : graph_.nodes) {
      for (const int32_t output : node.outputs) {
        if (wrong(output)) flipped_[static_cast<size_t>(output)] = true;
      }
      read_flipped(node);
      const std::vector<int32_t> outputs = node.outputs;
      nodes.push_back(std::move(node));
      for (const int32_t output : outputs) {
        if (!flipped(output)) continue;
        if (contains(graph_.outputs, output)) give_away(output, nodes);
        turn(tensor_of(graph_, output));
      }
    }
    graph_.nodes = std::move(nodes);
    return std::move(graph_);
  }

 private:
  bool wrong(int32_t t) const {
    return t >= 0 && is_8bit(tensor_of(graph_, t).type) && tensor_of(graph_, t).type != type_;
  }
  bool flipped(int32_t t) const { return t >= 0 && flipped_[static_cast<size_t>(t)]; }

  /// What is added to a value of the file's type to get that of the other.
  int32_t shift() const { return type_ == DataType::UInt8 ? 128 : -128; }

  void turn(Tensor& tensor) const {
    tensor.type = type_;
    for (int64_t& zero : tensor.quantization.zero_point) zero += shift();
  }

  int32_t add(Tensor tensor, bool flipped) {
    graph_.tensors.push_back(std::move(tensor));
    flipped_.push_back(flipped);
    return static_cast<int32_t>(graph_.tensors.size() - 1);
  }

  /// A tensor like `t`, but of the other sign, a constant's contents included.
  int32_t add_flipped(int32_t t) {
    Tensor tensor = tensor_of(graph_, t);
    turn(tensor);
    if (!tensor.data.empty()) {
      const auto bytes = std::make_shared<std::vector<std::byte>>(tensor.data.begin(), tensor.data.end());
      for (std::byte& b : *bytes) b ^= std::byte{0x80};
      tensor.data = *bytes;
      graph_.storage.push_back(bytes);
    }
    return add(std::move(tensor), true);
  }

  static Node flip(int32_t from, int32_t to) {
    return {.name = "FLIP_SIGN", .source = -1, .inputs = {from}, .outputs = {to}, .op = flip_sign_table()};
  }

  /// The graph's output `t` keeps its type: a flipped copy of it is given away.
  void give_away(int32_t t, std::vector<Node>& nodes) {
    const int32_t copy = add(tensor_of(graph_, t), false);
    nodes.push_back(flip(t, copy));
    std::ranges::replace(graph_.outputs, t, copy);
  }

  /// Lets a node read and write what is flipped.
  void read_flipped(Node& node) {
    bool input_flipped = false;
    for (size_t i = 0; i < activations_of(node); ++i) {
      int32_t& input = node.inputs[i];
      const bool constant = input >= 0 && !tensor_of(graph_, input).data.empty();
      if (constant && wrong(input) && !replacement_.contains(input)) replacement_[input] = add_flipped(input);
      if (const auto found = replacement_.find(input); found != replacement_.end()) input = found->second;
      if (i == 0) input_flipped = flipped(input);
    }
    const bool output_flipped = flipped(node.outputs[0]);
    std::visit([&](auto& op) { adapt(op, input_flipped, output_flipped); }, node.op);
  }

  template <typename T>
  void adapt(T& op, bool, bool output_flipped) const {
    if constexpr (requires { op.clamp; }) {
      if (output_flipped) op.clamp = {op.clamp.lo + shift(), op.clamp.hi + shift()};
    }
    if constexpr (requires { op.offset; }) {
      if (output_flipped) op.offset -= shift();
    }
  }
  void adapt(Lookup& op, bool input_flipped, bool output_flipped) const {
    const std::array<uint8_t, 256> table = op.table;
    for (size_t q = 0; q < 256; ++q) {
      op.table[q ^ (input_flipped ? 0x80 : 0)] = static_cast<uint8_t>(table[q] ^ (output_flipped ? 0x80 : 0));
    }
  }
  void adapt(Move& op, bool, bool output_flipped) const {
    if (output_flipped && op.fill) (*op.fill)[0] ^= std::byte{0x80};
  }
  void adapt(Convert& op, bool input_flipped, bool output_flipped) const {
    if (input_flipped) op.offset_in -= shift();
    if (output_flipped) op.offset_out -= shift();
  }

  Graph graph_;
  DataType type_;
  std::vector<bool> flipped_;               // by tensor: whether it is of the other sign than in the file
  std::map<int32_t, int32_t> replacement_;  // inputs and constants, and what is read for them
};

/// A pass for any options.
template <Graph (*kRun)(Graph)>
Graph always(Graph graph, const PlanOptions&) {
  return kRun(std::move(graph));
}

constexpr Pass kPasses[] = {
    {"fold_pads", "PAD of an image with zeros becomes padding of the convolutions that read it.", always<fold_pads>},
    {"fuse_activations", "A RELU of any kind becomes the range of values of the operator before it.",
     always<fuse_activations>},
    {"fuse_lookups", "Tables that follow one another become one; those that change nothing vanish.",
     always<fuse_lookups>},
    {"fuse_additions", "An ADD of a convolution's output and another tensor becomes part of the convolution.",
     fuse_additions},
    {"pad_in_place", "Images are written with room around them where convolutions need a border.", pad_in_place},
};

}  // namespace

Graph unify_sign(Graph graph, DataType type) { return SignUnifier(std::move(graph), type).run(); }

std::span<const Pass> passes() { return kPasses; }

Graph run_passes(Graph graph, const PlanOptions& options) {
  std::string names;
  for (const Pass& pass : kPasses) names += (names.empty() ? "" : ", ") + std::string(pass.name);
  for (const std::string& name : options.passes_off) {
    const bool known = std::ranges::find(kPasses, name, &Pass::name) != std::end(kPasses);
    if (!known) throw ModelError("there is no pass '" + name + "'; those that can be turned off are: " + names);
  }
  // First, so that the passes see its flips.
  graph = unify_sign(std::move(graph), activation_type(options.target));
  for (const Pass& pass : kPasses) {
    const bool off = std::ranges::find(options.passes_off, pass.name) != options.passes_off.end();
    if (!off) graph = pass.run(std::move(graph), options);
  }
  return graph;
}

}  // namespace octet
