#include "schedules/prefetch.h"

#include <algorithm>
#include <bit>
#include <set>
#include <string>
#include <vector>

#include "schedules/contains.h"

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

/// Bytes of a block from which on this pays, and pixels up to which: of more, a block's first tile matters little.
constexpr int kLeastBytes = 8 << 10, kMostPixels = 128;

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

/// As avx512vnni.ll says.
Stmt prefetch(const std::string& buffer, const Expr& begin, const Expr& place, const Expr& halvings) {
  const std::vector<Expr> arguments{Variable::make(Handle(), buffer), begin, place, halvings};
  return Evaluate::make(Call::make(Int(32), "octet_prefetch", arguments, Call::Extern));
}

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
  // In a loop over blocks: bytes of one, where this one begins, whether there is a next one; this tile's number, and
  // how many tiles there are.
  Expr block_, begin_, has_next_, tile_, tiles_;

  Stmt visit(const For* op) override {
    const bool of_blocks = ends_with(op->name, ".co");
    if (!of_blocks && !tile_.defined()) return IRMutator::visit(op);
    const Expr loop = Variable::make(Int(32), op->name), outer_tile = tile_, outer_tiles = tiles_;
    if (of_blocks) {
      block_ = stride_of(weights_, weights_.dimensions() - 1);
      begin_ = loop * block_;
      has_next_ = loop + 1 < op->min + op->extent;
      tile_ = 0;
      tiles_ = 1;
    } else if (ends_with(op->name, ".y") || ends_with(op->name, ".xo")) {
      tile_ = tile_ * op->extent + loop - op->min;
      tiles_ = tiles_ * op->extent;
    }
    const Stmt result = For::make(op->name, op->min, op->extent, op->for_type, op->device_api, with_prefetch(op->body));
    tile_ = outer_tile;
    tiles_ = outer_tiles;
    if (!of_blocks) return result;
    const Expr pays = simplify(block_ >= kLeastBytes && extent_of(output_, 1) * extent_of(output_, 2) <= kMostPixels);
    return is_const_one(pays) ? result : is_const_zero(pays) ? op : IfThenElse::make(pays, result, op);
  }

  /// Each of 2^halvings tiles has as large a part of the next block fetched: a step of them what lies as far into that
  /// part as the step into its block, halved as often. Half a line a step, if there are enough tiles. Where nothing is
  /// left to fetch, this block's first part is "prefetched" once more. It comes before the body: LLVM would have all
  /// loads wait in registers for one behind them.
  Stmt with_prefetch(const Stmt& body) {
    if (has_loops(body)) return mutate(body);
    LoadsOf loads(weights_.name());
    const Stmt known = substitute_in_all_lets(body);  // in terms of what is known before it
    known.accept(&loads);
    if (loads.begins.empty()) return body;
    const auto vectors = static_cast<uint32_t>(loads.begins.size());
    const int most = static_cast<int>(std::bit_width(vectors - 1)) + 1;
    const Expr halvings = min(31 - cast<int32_t>(count_leading_zeros(tiles_)), most);
    const Expr wanted = has_next_ && (tile_ >> halvings) == 0;
    const Expr from = begin_ + select(wanted, block_ + ((tile_ * block_) >> halvings), 0);
    const Expr place = loads.begins.front() - begin_;
    return Block::make(prefetch(weights_.name(), from, place, halvings), body);
  }
};

/// Without what is stored and not loaded, such as columns that slide but are computed all the same. LLVM would drop
/// them too, but not what is prefetched for them.
class WithoutUnused : public IRMutator {
  using IRMutator::visit;

  std::set<std::string> unused_;

  Stmt visit(const Allocate* op) override {
    const Stmt body = mutate(op->body);
    if (loads_from(body, op->name))
      return Allocate::make(op->name, op->type, op->memory_type, op->extents, op->condition, body);
    // Unrolled, others have its name.
    unused_.insert(op->name);
    const Stmt rest = mutate(body);
    unused_.erase(op->name);
    return rest;
  }
  Stmt visit(const LetStmt* op) override {
    const Stmt body = mutate(op->body);
    return stmt_uses_var(body, op->name) ? LetStmt::make(op->name, op->value, body) : body;
  }
  Stmt visit(const Store* op) override { return unused_.contains(op->name) ? Evaluate::make(0) : IRMutator::visit(op); }
  Stmt visit(const Free* op) override { return unused_.contains(op->name) ? Evaluate::make(0) : IRMutator::visit(op); }
};

class PrefetchBeside : public IRMutator {
 public:
  PrefetchBeside(std::string name, int distance) : name_(std::move(name)), distance_(distance) {}

 private:
  using IRMutator::visit;

  const std::string name_;
  const int distance_;

  Stmt visit(const Store* op) override {
    LoadsOf loads(name_);
    op->value.accept(&loads);
    Stmt result = op;
    for (const Expr& begin : loads.begins) {
      // What a loop over blocks adds to all is part of the distance, so that LLVM takes the rest from the load.
      const auto* const sum = begin.as<Add>();
      const Expr index = sum != nullptr ? sum->a : begin, farther = sum != nullptr ? sum->b + distance_ : distance_;
      result = Block::make(prefetch(name_, index, farther, 0), result);
    }
    return result;
  }
};

class PrefetchFarther : public IRMutator {
 public:
  PrefetchFarther(std::string name, int distance) : beside_(std::move(name), distance) {}
  using IRMutator::mutate;
  Stmt mutate(const Stmt& body) override { return beside_.mutate(WithoutUnused().mutate(body)); }

 private:
  PrefetchBeside beside_;
};

}  // namespace

void prefetch_farther(Func& output, const ImageParam& input, int distance) {
  output.add_custom_lowering_pass(new PrefetchFarther(input.name(), distance));
}

void prefetch_next_block(Func& output, const ImageParam& weights) {
  output.add_custom_lowering_pass(new PrefetchNextBlock(output.output_buffer(), weights));
}

}  // namespace octet
