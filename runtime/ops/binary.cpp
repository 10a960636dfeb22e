// ADD, SUB, MUL: shapes brought to few dimensions, of which the kernel runs the innermost three.
#include <algorithm>

#include "runtime/kernels.h"
#include "runtime/ops/affine_sum.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

/// One dimension of the output, and how far each operand moves along it (0: it repeats).
struct Dimension {
  int64_t extent, a, b, out;
};

/// `shape` as seen from an output of `rank` dimensions: element strides, 0 where it repeats.
std::vector<int64_t> broadcast_strides(const std::vector<int32_t>& shape, size_t rank) {
  std::vector<int64_t> strides(rank, 0);
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); i++) {
    const int32_t extent = shape[shape.size() - 1 - i];
    if (extent > 1) strides[rank - 1 - i] = stride;
    stride *= extent;
  }
  return strides;
}

/// Innermost first; neighbours that both operands walk through evenly are one; at least three, the last of extent 1.
std::vector<Dimension> dimensions_of(const Tensor& a, const Tensor& b, const Tensor& out) {
  const size_t rank = out.shape.size();
  const std::vector<int64_t> a_strides = broadcast_strides(a.shape, rank), b_strides = broadcast_strides(b.shape, rank);
  std::vector<Dimension> dims;
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0;) {
    const Dimension d{out.shape[i], a_strides[i], b_strides[i], stride};
    stride *= d.extent;
    if (d.extent == 1) continue;
    if (!dims.empty() && d.a == dims.back().a * dims.back().extent && d.b == dims.back().b * dims.back().extent)
      dims.back().extent *= d.extent;
    else
      dims.push_back(d);
  }
  if (dims.empty()) dims.push_back({1, 1, 1, 1});
  while (dims.size() < 3) dims.push_back({1, 0, 0, 0});
  return dims;
}

struct Layer {
  Binary op;
  Target target;
  KernelFunction kernel;
  std::optional<SumArguments> sum;  // ADD and SUB, where there is an affine form
  int32_t a, b, output;             // tensors
  int32_t a_zero, b_zero, output_zero;
  std::vector<Dimension> dims;

  int64_t rows() const {
    int64_t count = 1;
    for (size_t i = 1; i < dims.size(); i++) count *= dims[i].extent;
    return count;
  }
};

/// Where an innermost row, or a part of it, begins.
struct Position {
  int64_t a = 0, b = 0, out = 0;

  void move(const Dimension& d, int64_t steps) {
    a += d.a * steps;
    b += d.b * steps;
    out += d.out * steps;
  }
};

void call_kernel(const Layer& layer, const RunContext& context, Position at, int64_t i, int64_t j, int64_t k) {
  const halide_type_t type = activation_halide_type(layer.target);
  const Dimension *x = &layer.dims[0], *y = &layer.dims[1], *z = &layer.dims[2];
  const BufferArgument a(context.data<uint8_t>(layer.a) + at.a, type, {{i, x->a}, {j, y->a}, {k, z->a}});
  const BufferArgument b(context.data<uint8_t>(layer.b) + at.b, type, {{i, x->b}, {j, y->b}, {k, z->b}});
  const BufferArgument out(context.data<uint8_t>(layer.output) + at.out, type, {{i, 1}, {j, y->out}, {k, z->out}});
  const Binary& op = layer.op;
  if (layer.sum) {
    const BufferArgument factors(layer.sum->factors, halide_type_t(halide_type_int, 16), {{2, 1}, {2, 2}});
    call(layer.kernel, a, b, factors, layer.sum->whole, layer.sum->fraction, op.clamp.lo, op.clamp.hi, out);
    return;
  }
  const int32_t left = std::max(op.out.shift, 0), right = std::max(-op.out.shift, 0);
  if (op.kind == Binary::Kind::Mul) {
    call(layer.kernel, a, b, layer.a_zero, layer.b_zero, op.out.multiplier, left, right, layer.output_zero, op.clamp.lo,
         op.clamp.hi, out);
    return;
  }
  const int32_t a_right = -op.a.shift, b_right = -op.b.shift, sign = op.kind == Binary::Kind::Sub ? -1 : 0;
  call(layer.kernel, a, b, layer.a_zero, op.a.multiplier, a_right, layer.b_zero, op.b.multiplier, b_right, sign,
       op.out.multiplier, left, right, layer.output_zero, op.clamp.lo, op.clamp.hi, out);
}

/// Rows [begin, end), in as few calls as whole planes of rows allow.
void run_rows(const Layer& layer, const RunContext& context, int64_t begin, int64_t end) {
  const int64_t inner = layer.dims[0].extent, plane = layer.dims[1].extent, planes = layer.dims[2].extent;
  for (int64_t row = begin; row < end;) {
    Position at;
    int64_t index = row;
    for (size_t d = 1; d < layer.dims.size(); d++) {
      at.move(layer.dims[d], index % layer.dims[d].extent);
      index /= layer.dims[d].extent;
    }
    const int64_t j = row % plane, k = row / plane % planes;
    const int64_t whole = j == 0 ? std::min((end - row) / plane, planes - k) : 0;
    const int64_t count = whole > 0 ? plane : std::min(end - row, plane - j);
    call_kernel(layer, context, at, inner, count, std::max<int64_t>(whole, 1));
    row += count * std::max<int64_t>(whole, 1);
  }
}

void run(const Layer& layer, const RunContext& context) {
  constexpr int64_t kGrain = 16384;  // elements worth a thread
  const int64_t rows = layer.rows(), inner = layer.dims[0].extent;
  if (rows > 1) {
    context.pool.parallel_for(rows, std::max<int64_t>(1, kGrain / inner),
                              [&](int64_t begin, int64_t end) { run_rows(layer, context, begin, end); });
    return;
  }
  context.pool.parallel_for(inner, kGrain, [&](int64_t begin, int64_t end) {
    Position at;
    at.move(layer.dims[0], begin);
    call_kernel(layer, context, at, end - begin, 1, 1);
  });
}

}  // namespace

void plan(const Binary& op, const Node& node, PlanBuilder& builder) {
  const Target target = builder.target();
  const Tensor &a = builder.tensor(node.inputs[0]), &b = builder.tensor(node.inputs[1]),
               &out = builder.tensor(node.outputs[0]);
  const std::optional<AffineSum> sum =
      affine_sum(op, {out.type, zero_point_of(a), zero_point_of(b), zero_point_of(out)});
  const Family family = op.kind == Binary::Kind::Mul ? Family::Product : sum ? Family::Sum : Family::SumAny;
  const Kernel kernel = find_kernel(family, target);
  const Layer layer{.op = op,
                    .target = target,
                    .kernel = kernel.function,
                    .sum = sum ? std::optional<SumArguments>(*sum) : std::nullopt,
                    .a = node.inputs[0],
                    .b = node.inputs[1],
                    .output = node.outputs[0],
                    .a_zero = zero_point_of(a),
                    .b_zero = zero_point_of(b),
                    .output_zero = zero_point_of(out),
                    .dims = dimensions_of(a, b, out)};
  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.run = [layer](const RunContext& context) { run(layer, context); };
  builder.add(std::move(step));
}

}  // namespace octet
