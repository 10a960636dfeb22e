// One planning function for each kind of operator (graph.h): it packs what the kernel needs into the plan and adds one
// step. Each kind has its own file in this folder; README.md lists them.
#pragma once

#include "runtime/plan.h"

namespace octet {

void plan(const Convolution& op, const Node& node, PlanBuilder& builder);
void plan(const Depthwise& op, const Node& node, PlanBuilder& builder);
void plan(const Lookup& op, const Node& node, PlanBuilder& builder);
void plan(const Binary& op, const Node& node, PlanBuilder& builder);
void plan(const Prelu& op, const Node& node, PlanBuilder& builder);
void plan(const Pool& op, const Node& node, PlanBuilder& builder);
void plan(const Mean& op, const Node& node, PlanBuilder& builder);
void plan(const Softmax& op, const Node& node, PlanBuilder& builder);
void plan(const L2Normalization& op, const Node& node, PlanBuilder& builder);
void plan(const Move& op, const Node& node, PlanBuilder& builder);
void plan(const Gather& op, const Node& node, PlanBuilder& builder);
void plan(const Resize& op, const Node& node, PlanBuilder& builder);
void plan(const Convert& op, const Node& node, PlanBuilder& builder);
void plan(const ArgMax& op, const Node& node, PlanBuilder& builder);

/// The border that the operator's input, an image, could have in memory instead of being copied to get it; nothing
/// where it needs none, or copies it for other reasons too.
std::optional<Pads> border_of(const Convolution& op, Target target);
/// `always`: also where the kernel alone does without it, but not in a block of layers.
std::optional<Pads> border_of(const Depthwise& op, Target target, bool always);
/// Whether an ADD of the operator's output and another tensor can be part of it (Convolution::addition), and should.
bool takes_addition(const Convolution& op, const Node& node, const Graph& graph, const PlanOptions& options);
/// Whether the operator can write an image's rows with room between them at no cost, or at less than a copy's.
bool writes_rows_apart(const Convolution& op, const PlanOptions& options);

/// "lookup_u8" for ("lookup", UInt8): plain C++ is named like the kernels.
std::string kernel_name(std::string_view base, DataType type);

}  // namespace octet
