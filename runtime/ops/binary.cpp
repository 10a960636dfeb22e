// ADD, SUB, MUL: shapes brought to few dimensions, of which the kernel runs the innermost three.
#include <algorithm>

#include "runtime/kernels.h"
#include "runtime/ops/affine_sum.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

using Dimension = BinaryStep::Dimension;

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

}  // namespace

void plan(const Binary& op, const Node& node, PlanBuilder& builder) {
  const Target target = builder.target();
  const Tensor &a = builder.tensor(node.inputs[0]), &b = builder.tensor(node.inputs[1]),
               &out = builder.tensor(node.outputs[0]);
  const std::optional<AffineSum> sum =
      affine_sum(op, {out.type, zero_point_of(a), zero_point_of(b), zero_point_of(out)}, sum_layout(target));
  const Family family = op.kind == Binary::Kind::Mul ? Family::Product : sum ? Family::Sum : Family::SumAny;
  const Kernel kernel = find_kernel(family, target);
  Step step = builder.step_for(node, std::string(kernel.info->name));
  using Form = BinaryStep::Form;
  step.work = BinaryStep{.form = op.kind == Binary::Kind::Mul ? Form::Product
                                 : sum                        ? Form::Affine
                                                              : Form::Sum,
                         .kernel = builder.use(kernel),
                         .activation = activation_halide_type(target),
                         .a = node.inputs[0],
                         .b = node.inputs[1],
                         .output = node.outputs[0],
                         .a_zero = zero_point_of(a),
                         .b_zero = zero_point_of(b),
                         .output_zero = zero_point_of(out),
                         .sign = op.kind == Binary::Kind::Sub ? -1 : 0,
                         .sum = sum ? arguments_of(*sum, sum_layout(target)) : SumArguments{},
                         .a_scale = op.a,
                         .b_scale = op.b,
                         .scale = op.out,
                         .clamp = op.clamp,
                         .dims = builder.keep_array<Dimension>(dimensions_of(a, b, out))};
  builder.add(std::move(step));
}

}  // namespace octet
