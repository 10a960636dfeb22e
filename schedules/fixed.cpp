#include "schedules/fixed.h"

#include <map>
#include <stdexcept>
#include <string>

namespace octet {

using namespace Halide;
using namespace Halide::Internal;

namespace {

using What = KnownArgument::What;

const ArgumentInfo& argument_of(const KernelRequest& request, const KnownArgument& known) {
  const std::span<const ArgumentInfo> all = arguments_of(request.kernel);
  if (known.argument < 0 || known.argument >= std::ssize(all))
    throw std::runtime_error("no argument " + std::to_string(known.argument));
  return all[static_cast<size_t>(known.argument)];
}

/// What a request says of a convolution's rows. Of runs of excess that are not like others it says nothing.
ConvolutionRows known_rows(const KernelRequest& request) {
  ConvolutionRows rows;
  const KnownArgument *starts = nullptr, *table = nullptr;
  bool are_alike = !takes_excess_apart(request.kernel);
  const int64_t block = tile_of(request.kernel).channels;
  for (const KnownArgument& known : request.known) {
    const std::string_view argument = argument_of(request, known).name;
    if (known.what == What::Distances && known.dimension == 0)
      rows.pixel_step = static_cast<int32_t>(known.values.at(0));
    if (known.what == What::Distances && known.dimension == 1) starts = &known;
    if (known.what == What::Contents && argument == "runs") table = &known;
    if (known.what == What::Value && argument == "excess") are_alike = are_alike || known.values.at(0) == 0;
    if (known.what == What::Stride && argument == "output" && known.dimension == 1)
      rows.out_adjoins = known.values.at(0) == block;
  }
  if (starts == nullptr || table == nullptr || !are_alike) return rows;
  for (size_t run = 0; run < starts->values.size(); run++)
    rows.runs.push_back({static_cast<int32_t>(starts->values[run]),
                         static_cast<int32_t>(table->values.at(run * kRunFields + kRunSteps))});
  return rows;
}

ArgumentKind kind_of(const Argument& argument) {
  if (argument.is_buffer()) return ArgumentKind::Buffer;
  if (argument.type == Int(16)) return ArgumentKind::Int16;
  if (argument.type == Int(32)) return ArgumentKind::Int32;
  throw std::logic_error(argument.name + " is of a type that no kernel takes");
}

/// The parameters that functions mention, by name.
class Parameters : public IRGraphVisitor {
 public:
  std::map<std::string, Parameter> found;

 private:
  using IRGraphVisitor::visit;
  void visit(const Variable* op) override { note(op->param); }
  void visit(const Call* op) override {
    note(op->param);
    IRGraphVisitor::visit(op);
  }
  void note(const Parameter& parameter) {
    if (parameter.defined()) found[parameter.name()] = parameter;
  }
};

/// Replaces numbers, and elements of buffers whose contents are known.
class Substitution : public IRMutator {
 public:
  struct Table {
    int64_t extent;               // of the first of two dimensions
    std::vector<int64_t> values;  // that dimension innermost
  };
  std::map<std::string, int64_t> numbers;
  std::map<std::string, Table> tables;

 private:
  using IRMutator::visit;
  Expr visit(const Variable* op) override {
    if (!op->param.defined() || op->param.is_buffer()) return op;
    const auto number = numbers.find(op->param.name());
    return number == numbers.end() ? Expr(op) : make_const(op->type, number->second);
  }
  Expr visit(const Call* op) override {
    // Algorithms see a buffer by way of a function of its elements.
    const auto* const element = op->call_type == Call::Halide ? Function(op->func).values()[0].as<Call>() : nullptr;
    const auto known =
        element != nullptr && element->call_type == Call::Image ? tables.find(element->name) : tables.end();
    const int64_t* const row = known != tables.end() ? as_const_int(op->args[0]) : nullptr;
    if (row == nullptr) return IRMutator::visit(op);
    // Where elements of a row are so far from each other, any one is a line's point.
    const std::vector<int64_t>& values = known->second.values;
    const int64_t extent = known->second.extent, columns = static_cast<int64_t>(values.size()) / extent;
    const auto at = [&](int64_t column) { return values[static_cast<size_t>(column * extent + *row)]; };
    const int64_t first = at(0), slope = columns > 1 ? at(1) - first : 0;
    for (int64_t c = 0; c < columns; c++)
      if (at(c) != first + slope * c) return IRMutator::visit(op);
    Expr value = make_const(op->type, first);
    return slope == 0 ? value : value + cast(op->type, mutate(op->args[1])) * make_const(op->type, slope);
  }
};

}  // namespace

Compilable make_pipeline(const KernelRequest& request) {
  const ConvolutionRows rows = known_rows(request);
  KernelInfo kernel = request.kernel;
  // Where it does not know its runs, one whose tiles overlap counts on the first, which may be shorter here.
  if (rows.runs.empty()) kernel.schedule.overlapping = 0;
  Compilable pipeline = make_pipeline(kernel, rows);
  const std::vector<Argument>& arguments = pipeline.arguments;
  const std::span<const ArgumentInfo> stated = arguments_of(request.kernel);
  bool same = stated.size() == arguments.size() + 1 && pipeline.output.name() == stated.back().name;
  for (size_t i = 0; same && i < arguments.size(); i++)
    same = arguments[i].name == stated[i].name && kind_of(arguments[i]) == stated[i].kind;
  if (!same) throw std::logic_error("arguments_of: not what the kernels of " + request.symbol + " take");

  std::map<std::string, Function> functions = find_transitive_calls(pipeline.output.function());
  functions.emplace(pipeline.output.name(), pipeline.output.function());
  Parameters parameters;
  for (auto& [name, function] : functions) function.accept(&parameters);

  Substitution substitution;
  for (const KnownArgument& known : request.known) {
    const auto index = static_cast<size_t>(known.argument);
    const bool is_output = index == arguments.size();
    const std::string name(argument_of(request, known).name);
    if (known.what == What::Value) {
      substitution.numbers[name] = known.values.at(0);
      continue;
    }
    if (known.what == What::Distances) continue;                   // known_rows
    if (!is_output && !parameters.found.contains(name)) continue;  // nothing depends on it
    Parameter parameter = is_output ? pipeline.output.function().output_buffers().at(0) : parameters.found.at(name);
    const Expr value = static_cast<int32_t>(known.values.at(0));
    if (known.what == What::Extent) parameter.set_extent_constraint(known.dimension, value);
    if (known.what == What::Stride) parameter.set_stride_constraint(known.dimension, value);
    if (known.what == What::Contents) substitution.tables[name] = {known.dimension, known.values};
    // Of a depthwise image see promise_layout.cpp.
    const bool may_start_elsewhere = request.kernel.family == Family::Depthwise && index == 0;
    if (!may_start_elsewhere) parameter.set_min_constraint(known.what == What::Contents ? 0 : known.dimension, 0);
  }
  for (auto& [name, function] : functions) function.mutate(&substitution);
  return pipeline;
}

}  // namespace octet
