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

/// Where vectors of it begin that are loaded, each once; whether there are loops.
class LoadsOf : public IRVisitor {
 public:
  explicit LoadsOf(std::string name) : name_(std::move(name)) {}

  bool has_loops = false;
  std::vector<Expr> begins;

 private:
  using IRVisitor::visit;

  const std::string name_;

  void visit(const For* op) override {
    has_loops = true;
    IRVisitor::visit(op);
  }

  void visit(const Load* op) override {
    const auto* const vector = op->index.as<Ramp>();
    if (op->name == name_ && vector != nullptr &&
        std::ranges::none_of(begins, [&](const Expr& known) { return equal(known, vector->base); }))
      begins.push_back(vector->base);
    IRVisitor::visit(op);
  }
};

class PrefetchNextBlock : public IRMutator {
 public:
  PrefetchNextBlock(const OutputImageParam& output, const ImageParam& weights)
      : name_(weights.name()),
        block_(weights.dim(weights.dimensions() - 1).stride()),
        pays_(block_ >= kLeastBytes && output.dim(1).extent() * output.dim(2).extent() <= kMostPixels) {}

 private:
  using IRMutator::visit;

  const std::string name_;
  const Expr block_, pays_;
  Expr wanted_;  // in a loop over blocks: whether there is a next one, and this is the first tile

  Stmt visit(const For* op) override {
    const Expr loop = Variable::make(Int(32), op->name), outside = wanted_;
    if (ends_with(op->name, ".co"))
      wanted_ = loop + 1 < op->min + op->extent;
    else if (wanted_.defined() && (ends_with(op->name, ".y") || ends_with(op->name, ".xo")))
      wanted_ = wanted_ && loop == op->min;
    const Stmt body = wanted_.defined() ? with_prefetches(op->body) : mutate(op->body);
    wanted_ = outside;
    const Stmt result = For::make(op->name, op->min, op->extent, op->for_type, op->device_api, body);
    return ends_with(op->name, ".co") ? IfThenElse::make(pays_, result, op) : result;
  }

  /// Where none is wanted, what is loaded at the moment is "prefetched" once more.
  Stmt with_prefetches(const Stmt& body) {
    LoadsOf loads(name_);
    body.accept(&loads);
    if (loads.has_loops) return mutate(body);
    Stmt result = body;
    for (const Expr& begin : loads.begins) {
      const std::vector<Expr> arguments{Variable::make(Handle(), name_), begin, select(wanted_, block_, 0)};
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
