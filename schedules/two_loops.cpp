#include "schedules/two_loops.h"

#include <algorithm>
#include <string>
#include <vector>

#include "schedules/contains.h"

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

/// What a loop's body asks of the table, whatever the turn; and that body without what is done where it says yes.
class Questions : public IRMutator {
 public:
  explicit Questions(std::string table) : table_(std::move(table)) {}

  std::vector<Expr> asked;  // each once
  bool has_loops = false;
  Scope<> changing;

 private:
  using IRMutator::visit;

  const std::string table_;

  Stmt visit(const For* op) override {
    has_loops = true;
    return op;
  }
  Stmt visit(const LetStmt* op) override {
    const ScopedBinding<> bound(changing, op->name);
    return IRMutator::visit(op);
  }
  Stmt visit(const IfThenElse* op) override {
    const bool always_same = loads_from(op->condition, table_) && !expr_uses_vars(op->condition, changing);
    if (!always_same || op->else_case.defined()) return IRMutator::visit(op);
    if (std::ranges::none_of(asked, [&](const Expr& known) { return equal(known, op->condition); }))
      asked.push_back(op->condition);
    return Evaluate::make(0);
  }
};

class AskBeforeLoops : public IRMutator {
 public:
  explicit AskBeforeLoops(std::string table) : table_(std::move(table)) {}

 private:
  using IRMutator::visit;

  const std::string table_;

  Stmt visit(const For* op) override {
    Questions questions(table_);
    const ScopedBinding<> turn(questions.changing, op->name);
    const Stmt plain = questions.mutate(op->body);
    if (questions.has_loops) return IRMutator::visit(op);
    if (questions.asked.empty()) return op;
    Expr any = const_false();
    for (const Expr& question : questions.asked) any = any || question;
    return IfThenElse::make(simplify(any), op,
                            For::make(op->name, op->min, op->extent, op->for_type, op->device_api, plain));
  }
};

}  // namespace

void ask_before_loops(Func& output, const ImageParam& table) {
  output.add_custom_lowering_pass(new AskBeforeLoops(table.name()));
}

}  // namespace octet
