// Passes: named functions that rewrite a graph without changing what it computes. Each can be turned off by name
// (PlanOptions::passes_off), but for unify_sign, without which the kernels do not fit.
#pragma once

#include <span>
#include <string_view>

#include "runtime/graph.h"
#include "runtime/plan.h"

namespace octet {

struct Pass {
  std::string_view name;
  std::string_view purpose;  // one sentence
  Graph (*run)(Graph, const PlanOptions&);
};

/// The passes that can be turned off, in the order in which they run.
std::span<const Pass> passes();

/// PAD of an image with zeros becomes padding of the convolutions that read it.
Graph fold_pads(Graph graph);
/// A RELU of any kind becomes the range of values of the operator before it.
Graph fuse_activations(Graph graph);
/// Tables that follow one another become one; those that change nothing vanish.
Graph fuse_lookups(Graph graph);

/// An ADD of a convolution's output, which nobody else reads, and another tensor of that shape becomes part of the
/// convolution, where one kernel computes both and their sum has the affine form.
Graph fuse_additions(Graph graph, const PlanOptions& options);

/// An image that only convolutions of one kind of border read, and that its writer can write with room around it, gets
/// that room (Graph::margins): nobody copies it to pad it.
Graph pad_in_place(Graph graph, const PlanOptions& options);

/// Brings every 8-bit activation to `type` (uint8 or int8): zero points, ranges, tables, fills, offsets, and constants
/// that are read as activations, of which flipped copies are made. Inputs and outputs of the graph keep their types:
/// where those differ, a Lookup named FLIP_SIGN stands between. Filters and biases of convolutions stay as in the file;
/// PRELU's alpha is an activation.
Graph unify_sign(Graph graph, DataType type);

/// All of them, for the options' target. Throws ModelError where a pass to be turned off does not exist.
Graph run_passes(Graph graph, const PlanOptions& options);

}  // namespace octet
