#include "schedules/overlap_tiles.h"

#include <algorithm>
#include <string>
#include <vector>

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

bool is_flat(const Stmt& stmt) { return stmt.as<Store>() != nullptr || stmt.as<Evaluate>() != nullptr; }

/// The statements of a loop's body, one after the other, and the memory they use.
class Body {
 public:
  Body(const Stmt& body, std::string sum) : sum_(std::move(sum)) { add(body); }

  std::vector<Stmt> allocations;
  std::vector<Stmt> sums, rest;  // what computes them; all else
  bool rest_is_flat = true;      // no loops, no conditions

 private:
  const std::string sum_;
  bool of_sum_ = false;

  void add(const Stmt& stmt) {
    if (const auto* const block = stmt.as<Block>()) {
      add(block->first);
      add(block->rest);
    } else if (const auto* const allocate = stmt.as<Allocate>()) {
      allocations.push_back(stmt);
      add(allocate->body);
    } else if (const auto* const let = stmt.as<LetStmt>()) {
      add(substitute(let->name, let->value, let->body));
    } else if (const auto* const stage = stmt.as<ProducerConsumer>()) {
      const bool outside = of_sum_;
      of_sum_ = outside || (stage->is_producer && stage->name == sum_);
      add(stage->body);
      of_sum_ = outside;
    } else if (stmt.as<Free>() == nullptr) {  // where an allocation ends, it is freed anyway
      (of_sum_ ? sums : rest).push_back(stmt);
      rest_is_flat = rest_is_flat && (of_sum_ || is_flat(stmt));
    }
  }
};

/// Loads from another place.
class LoadsFrom : public IRMutator {
 public:
  LoadsFrom(std::string name, std::string other) : name_(std::move(name)), other_(std::move(other)) {}

 private:
  using IRMutator::visit;

  const std::string name_, other_;

  Expr visit(const Load* op) override {
    if (op->name != name_) return IRMutator::visit(op);
    return Load::make(op->type, other_, mutate(op->index), op->image, op->param, mutate(op->predicate), op->alignment);
  }
};

/// Loads of a buffer so many elements farther, but for those in loops.
class LoadsFarther : public IRMutator {
 public:
  LoadsFarther(std::string name, Expr distance) : name_(std::move(name)), distance_(std::move(distance)) {}

 private:
  using IRMutator::visit;

  const std::string name_;
  const Expr distance_;

  Expr visit(const Load* op) override {
    const auto* const vector = op->index.as<Ramp>();
    if (op->name != name_ || vector == nullptr) return IRMutator::visit(op);
    return Load::make(op->type, name_, Ramp::make(vector->base + distance_, vector->stride, vector->lanes), op->image,
                      op->param, op->predicate, op->alignment);
  }
  Stmt visit(const For* op) override { return op; }
};

std::vector<Stmt> with(const std::string& variable, const Expr& value, std::vector<Stmt> statements) {
  for (Stmt& stmt : statements) stmt = substitute(variable, value, stmt);
  return statements;
}

/// Both in their order, `few` spread evenly among those of `many` before its first loop.
std::vector<Stmt> in_turns(const std::vector<Stmt>& many, const std::vector<Stmt>& few) {
  const auto room = static_cast<size_t>(std::ranges::find_if_not(many, is_flat) - many.begin());
  std::vector<Stmt> all;
  size_t next = 0;
  for (size_t i = 0; i < many.size(); i++) {
    for (; next < few.size() && (i == room || (2 * next + 1) * room <= 2 * i * few.size()); next++)
      all.push_back(few[next]);
    all.push_back(many[i]);
  }
  all.insert(all.end(), few.begin() + static_cast<std::ptrdiff_t>(next), few.end());
  return all;
}

class OverlapTiles : public IRMutator {
 public:
  OverlapTiles(std::string sum, std::string weights, Expr zero)
      : sum_(std::move(sum)), weights_(std::move(weights)), zero_(std::move(zero)), finished_(sum_ + ".finished") {}

 private:
  using IRMutator::visit;

  const std::string sum_, weights_;
  const Expr zero_;
  const std::string finished_;

  Stmt visit(const For* op) override {
    if (!ends_with(op->name, ".xo")) return IRMutator::visit(op);
    const Body body(op->body, sum_);
    if (!body.rest_is_flat || body.sums.empty()) return op;

    // What the first turn makes of the tile before, of which there is none, is written where the second one writes.
    const Expr tile = Variable::make(Int(32), op->name), before = max(tile - 1, op->min);
    std::vector<Stmt> all, turn, rest = with(op->name, before, body.rest), sums = body.sums;
    if (zero_.defined())
      for (Stmt& stmt : sums) stmt = LoadsFarther(weights_, tile * zero_).mutate(stmt);
    for (Stmt& stmt : rest) stmt = LoadsFrom(sum_, finished_).mutate(stmt);
    for (const Store* const sum : first_stores(body.sums)) {
      const Type type = sum->value.type();
      const Expr always = const_true(type.lanes());
      const Expr value = Load::make(type, sum_, sum->index, {}, {}, always, sum->alignment);
      all.push_back(Store::make(sum_, make_zero(type), sum->index, {}, always, sum->alignment));
      turn.push_back(Store::make(finished_, value, sum->index, {}, always, sum->alignment));
    }
    std::ranges::move(in_turns(sums, rest), std::back_inserter(turn));
    all.push_back(For::make(op->name, op->min, op->extent, op->for_type, op->device_api, Block::make(turn)));
    std::ranges::move(with(op->name, op->min + op->extent - 1, body.rest), std::back_inserter(all));

    Stmt result = Block::make(all);
    for (const Stmt& allocation : body.allocations) {
      const auto* const a = allocation.as<Allocate>();
      result = Allocate::make(a->name, a->type, a->memory_type, a->extents, a->condition, result);
      if (a->name == sum_)
        result = Allocate::make(finished_, a->type, a->memory_type, a->extents, a->condition, result);
    }
    return IfThenElse::make(op->extent > 0, result);
  }

  /// One for each of the sums.
  std::vector<const Store*> first_stores(const std::vector<Stmt>& sums) const {
    std::vector<const Store*> all;
    for (const Stmt& stmt : sums) {
      const auto* const store = stmt.as<Store>();
      if (store == nullptr) break;
      const auto is_same = [&](const Store* other) { return equal(other->index, store->index); };
      if (store->name == sum_ && std::ranges::none_of(all, is_same)) all.push_back(store);
    }
    return all;
  }
};

}  // namespace

void overlap_tiles(Func& output, const Func& sum, const ImageParam& weights, const Expr& zero) {
  output.add_custom_lowering_pass(new OverlapTiles(sum.name(), weights.name(), zero));
}

}  // namespace octet
