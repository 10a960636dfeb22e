// What lowering passes ask of a piece of Halide's intermediate representation: a Stmt or an Expr.
#pragma once

#include <string>

#include "generators/halide.h"

namespace octet {

/// Whether it has a node of type Node for which `wanted` holds.
template <typename Node, typename Ir, typename Wanted>
bool contains(const Ir& ir, const Wanted& wanted) {
  struct Finder : Halide::Internal::IRVisitor {
    explicit Finder(const Wanted& wanted) : wanted(wanted) {}
    const Wanted& wanted;
    bool found = false;
    using IRVisitor::visit;
    void visit(const Node* op) override {
      found = found || wanted(op);
      IRVisitor::visit(op);
    }
  } finder(wanted);
  ir.accept(&finder);
  return finder.found;
}

inline bool has_loops(const Halide::Internal::Stmt& body) {
  return contains<Halide::Internal::For>(body, [](const auto*) { return true; });
}

template <typename Ir>
bool loads_from(const Ir& ir, const std::string& buffer) {
  return contains<Halide::Internal::Load>(ir, [&](const auto* load) { return load->name == buffer; });
}

}  // namespace octet
