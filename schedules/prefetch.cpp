#include "schedules/prefetch.h"

#include <algorithm>
#include <string>
#include <vector>

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

/// Bytes of a block from which on this pays, and pixels up to which: of more, a block's first tile matters little.
constexpr int kLeastBytes = 12 << 10, kMostPixels = 128;

bool has_loops(const Stmt& body) {
  struct Finder : IRVisitor {
    bool found = false;
    using IRVisitor::visit;
    void visit(const For*) override { found = true; }
  } finder;
  body.accept(&finder);
  return finder.found;
}

/// Where vectors of it begin that are loaded, each once.
class LoadsOf : public IRVisitor {
 public:
  explicit LoadsOf(std::string name) : name_(std::move(name)) {}

  std::vector<Expr> begins;

 private:
  using IRVisitor::visit;

  const std::string name_;

  void visit(const Load* op) override {
    const auto* const vector = op->index.as<Ramp>();
    if (op->name == name_ && vector != nullptr &&
        std::ranges::none_of(begins, [&](const Expr& known) { return equal(known, vector->base); }))
      begins.push_back(vector->base);
    IRVisitor::visit(op);
  }
};

/// What a kernel for one layer knows, else what is asked as it runs.
Expr extent_of(const OutputImageParam& buffer, int dimension) {
  const Expr known = buffer.parameter().extent_constraint(dimension);
  return known.defined() ? known : buffer.dim(dimension).extent();
}

Expr stride_of(const ImageParam& buffer, int dimension) {
  const Expr known = buffer.parameter().stride_constraint(dimension);
  return known.defined() ? known : buffer.dim(dimension).stride();
}

class PrefetchNextBlock : public IRMutator {
 public:
  PrefetchNextBlock(OutputImageParam output, ImageParam weights)
      : output_(std::move(output)), weights_(std::move(weights)) {}

 private:
  using IRMutator::visit;

  const OutputImageParam output_;
  const ImageParam weights_;
  Expr block_, wanted_;  // in a loop over blocks: bytes of one; whether there is a next one, and this is the first tile

  Stmt visit(const For* op) override {
    const bool of_blocks = ends_with(op->name, ".co");
    if (!of_blocks && !wanted_.defined()) return IRMutator::visit(op);
    const Expr loop = Variable::make(Int(32), op->name), outside = wanted_;
    if (of_blocks) {
      block_ = stride_of(weights_, weights_.dimensions() - 1);
      wanted_ = loop + 1 < op->min + op->extent;
    } else if (ends_with(op->name, ".y") || ends_with(op->name, ".xo")) {
      wanted_ = wanted_ && loop == op->min;
    }
    const Stmt result =
        For::make(op->name, op->min, op->extent, op->for_type, op->device_api, with_prefetches(op->body));
    wanted_ = outside;
    if (!of_blocks) return result;
    const Expr pays = simplify(block_ >= kLeastBytes && extent_of(output_, 1) * extent_of(output_, 2) <= kMostPixels);
    return is_const_one(pays) ? result : is_const_zero(pays) ? op : IfThenElse::make(pays, result, op);
  }

  /// Where none is wanted, what is loaded at the moment is "prefetched" once more.
  Stmt with_prefetches(const Stmt& body) {
    if (has_loops(body)) return mutate(body);
    LoadsOf loads(weights_.name());
    substitute_in_all_lets(body).accept(&loads);  // in terms of what is known behind the body
    Stmt result = body;
    for (const Expr& begin : loads.begins) {
      const std::vector<Expr> arguments{Variable::make(Handle(), weights_.name()), begin, select(wanted_, block_, 0)};
      result = Block::make(result, Evaluate::make(Call::make(Int(32), "octet_prefetch", arguments, Call::Extern)));
    }
    return result;
  }
};

}  // namespace

void prefetch_next_block(Func& output, const ImageParam& weights) {
  output.add_custom_lowering_pass(new PrefetchNextBlock(output.output_buffer(), weights));
}

}  // namespace octet
