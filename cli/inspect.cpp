// octet inspect: what a network is made of, and what it becomes on this machine.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/table.h"

namespace octet::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string model;
  PrepareOptions prepare;
  bool json = false;
};

/// A row of the listing: an operator of the file, a step of the plan, or both.
struct Layer {
  int32_t source = -1;  // -1: a step that a pass made
  const Operator* op = nullptr;
  std::string name;  // of the operator
  std::vector<int32_t> inputs, outputs;
  std::string output_name;
  int64_t macs = 0, parameters = 0, packed_bytes = 0;  // packed: its weights
  std::vector<std::string> kernels;                    // none: folded into another layer, or needless
};

struct Report {
  const Model& model;
  const Plan& plan;
  std::vector<Layer> layers;
  int64_t parameters = 0;

  const Tensor& tensor(int32_t index) const { return model.tensors[static_cast<size_t>(index)]; }
};

/// Elements of the constants that an operator multiplies by or adds; not shapes and axes.
int64_t parameters_of(const Model& model, const Operator& op) {
  int64_t count = 0;
  for (const int32_t input : op.inputs) {
    if (input < 0) continue;
    const Tensor& t = model.tensors[static_cast<size_t>(input)];
    if (!t.data.empty() && !t.quantization.scale.empty()) count += element_count(t.shape);
  }
  return count;
}

Layer layer_of(const Model& model, int32_t source) {
  const Operator& op = model.operators[static_cast<size_t>(source)];
  Layer layer{source, &op, op.name(), {}, op.outputs, "", 0, parameters_of(model, op), 0, {}};
  for (const int32_t input : op.inputs) {
    if (input >= 0 && model.tensors[static_cast<size_t>(input)].data.empty()) layer.inputs.push_back(input);
  }
  if (!op.outputs.empty()) layer.output_name = model.tensors[static_cast<size_t>(op.outputs[0])].name;
  return layer;
}

Layer layer_of(const Step& step) {
  const size_t space = step.layer.find(' ');
  Layer layer;
  layer.name = step.layer.substr(0, space);
  if (space != std::string::npos) layer.output_name = step.layer.substr(space + 1);
  return layer;
}

/// The file's operators in order, with the steps that came of them; steps that passes made stand where they run.
std::vector<Layer> make_layers(const Model& model, const Plan& plan) {
  std::vector<Layer> layers;
  std::vector<int64_t> row_of(model.operators.size(), -1);
  int32_t next = 0;
  const auto list_up_to = [&](int32_t source) {
    for (; next <= source; ++next) {
      row_of[static_cast<size_t>(next)] = static_cast<int64_t>(layers.size());
      layers.push_back(layer_of(model, next));
    }
  };
  for (const Step& step : plan.steps()) {
    list_up_to(step.source);
    if (step.source < 0) layers.push_back(layer_of(step));
    Layer& layer =
        step.source < 0 ? layers.back() : layers[static_cast<size_t>(row_of[static_cast<size_t>(step.source)])];
    layer.kernels.push_back(step.kernel);
    layer.macs += step.macs;
    layer.packed_bytes += step.weight_bytes;
  }
  list_up_to(static_cast<int32_t>(model.operators.size()) - 1);
  return layers;
}

/// "3x3/2" for a filter and its stride, "1x1" where it does not stride, "" for operators without a window.
std::string window_of(const Model& model, const Operator& op) {
  int32_t h = 0, w = 0, stride_h = 1, stride_w = 1;
  const auto filter_shape = [&]() -> const std::vector<int32_t>& {
    return model.tensors[static_cast<size_t>(op.inputs[1])].shape;
  };
  if (const auto* pool = std::get_if<PoolOptions>(&op.options)) {
    h = pool->filter_h, w = pool->filter_w, stride_h = pool->stride_h, stride_w = pool->stride_w;
  } else if (const auto* conv = std::get_if<Conv2DOptions>(&op.options);
             conv != nullptr && filter_shape().size() == 4) {
    h = filter_shape()[1], w = filter_shape()[2], stride_h = conv->stride_h, stride_w = conv->stride_w;
  } else if (const auto* depthwise = std::get_if<DepthwiseConv2DOptions>(&op.options);
             depthwise != nullptr && filter_shape().size() == 4) {
    h = filter_shape()[1], w = filter_shape()[2], stride_h = depthwise->stride_h, stride_w = depthwise->stride_w;
  } else {
    return "";
  }
  std::string text = fmt::format("{}x{}", h, w);
  if (stride_h != 1 || stride_w != 1) text += fmt::format("/{}", stride_h);
  if (stride_h != stride_w) text += fmt::format("x{}", stride_w);
  return text;
}

std::string shapes_of(const Report& report, const std::vector<int32_t>& tensors) {
  if (tensors.empty()) return "";
  std::string text = to_string(report.tensor(tensors[0]).shape);
  if (tensors.size() > 1) text += fmt::format(" +{}", tensors.size() - 1);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void print_tensors(const char* heading, const std::vector<TensorInfo>& tensors) {
  for (const TensorInfo& t : tensors) {
    std::string quantization;
    if (!t.quantization.scale.empty()) {
      quantization =
          fmt::format(", scale {:.6g}, zero point {}", t.quantization.scale[0], t.quantization.zero_point[0]);
    }
    fmt::print("{:<8} {} {} {}{}\n", heading, printable(t.name), name_of(t.type), to_string(t.shape), quantization);
  }
}

void print_text(const Report& report) {
  const Model& model = report.model;
  const Plan& plan = report.plan;
  fmt::print("{}{}\n", printable(model.name), model.description.empty() ? "" : ": " + printable(model.description));
  print_tensors("input", plan.inputs());
  print_tensors("output", plan.outputs());
  fmt::print("{:<8} {}\n\n", "target", name_of(plan.target()));

  Table table;
  table.column("#");
  table.column("operator", Table::Align::Left);
  table.column("input");
  table.column("window");
  table.column("output");
  table.column("type", Table::Align::Left);
  table.column("MMAC");
  table.column("parameters");
  table.column("packed bytes");
  table.column("kernel", Table::Align::Left);
  table.column("output tensor", Table::Align::Left);
  for (const Layer& layer : report.layers) {
    table.row(
        {layer.source < 0 ? "" : std::to_string(layer.source), printable(layer.name), shapes_of(report, layer.inputs),
         layer.op == nullptr ? "" : window_of(model, *layer.op), shapes_of(report, layer.outputs),
         layer.outputs.empty() ? "" : std::string(name_of(report.tensor(layer.outputs[0]).type)),
         layer.macs == 0 ? "" : in_millions(layer.macs), layer.parameters == 0 ? "" : std::to_string(layer.parameters),
         layer.packed_bytes == 0 ? "" : std::to_string(layer.packed_bytes),
         layer.kernels.empty() ? "(folded)" : joined(layer.kernels), short_name(layer.output_name)});
  }
  table.rule();
  table.row({"", fmt::format("{} operators", model.operators.size()), "", "", "", "", in_millions(plan.macs()),
             std::to_string(report.parameters), std::to_string(plan.packed_weight_bytes()),
             fmt::format("{} steps", plan.steps().size()), ""});
  fmt::print("{}\n", table.text());

  const MemoryPlan& memory = plan.memory();
  const auto ratio = [](int64_t a, int64_t b) { return b == 0 ? 1 : static_cast<double>(a) / static_cast<double>(b); };
  fmt::print("arena            {:>11}   lower bound {}, {:+.1f} %\n", in_bytes(memory.arena_bytes),
             in_bytes(memory.lower_bound_bytes), 100 * (ratio(memory.arena_bytes, memory.lower_bound_bytes) - 1));
  fmt::print("packed weights   {:>11}   in the file {}, {:+.1f} %\n", in_bytes(plan.packed_weight_bytes()),
             in_bytes(plan.file_weight_bytes()),
             100 * (ratio(plan.packed_weight_bytes(), plan.file_weight_bytes()) - 1));
  fmt::print("biases, tables   {:>11}\n", in_bytes(plan.packed_bytes() - plan.packed_weight_bytes()));
}

Json json_of(const TensorInfo& t) {
  return {{"name", t.name},   {"type", name_of(t.type)},       {"shape", t.shape},
          {"bytes", t.bytes}, {"scale", t.quantization.scale}, {"zero_point", t.quantization.zero_point}};
}

Json json_of(const std::vector<TensorInfo>& tensors) {
  Json list = Json::array();
  for (const TensorInfo& t : tensors) list.push_back(json_of(t));
  return list;
}

Json json_of(const Report& report, const Layer& layer) {
  const auto tensors = [&](const std::vector<int32_t>& indices) {
    Json list = Json::array();
    for (const int32_t index : indices) {
      const Tensor& t = report.tensor(index);
      list.push_back({{"tensor", index}, {"name", t.name}, {"type", name_of(t.type)}, {"shape", t.shape}});
    }
    return list;
  };
  return {{"index", layer.source},
          {"operator", layer.name},
          {"version", layer.op == nullptr ? 0 : layer.op->version},
          {"window", layer.op == nullptr ? "" : window_of(report.model, *layer.op)},
          {"inputs", tensors(layer.inputs)},
          {"outputs", tensors(layer.outputs)},
          {"output_name", layer.output_name},
          {"macs", layer.macs},
          {"parameters", layer.parameters},
          {"packed_weight_bytes", layer.packed_bytes},
          {"kernels", layer.kernels}};
}

void print_json(const Report& report) {
  const Plan& plan = report.plan;
  Json layers = Json::array();
  for (const Layer& layer : report.layers) layers.push_back(json_of(report, layer));
  const Json json = {{"name", report.model.name},
                     {"description", report.model.description},
                     {"target", name_of(plan.target())},
                     {"inputs", json_of(plan.inputs())},
                     {"outputs", json_of(plan.outputs())},
                     {"layers", layers},
                     {"macs", plan.macs()},
                     {"parameters", report.parameters},
                     {"steps", plan.steps().size()},
                     {"memory",
                      {{"arena_bytes", plan.memory().arena_bytes},
                       {"arena_lower_bound_bytes", plan.memory().lower_bound_bytes},
                       {"packed_weight_bytes", plan.packed_weight_bytes()},
                       {"file_weight_bytes", plan.file_weight_bytes()},
                       {"packed_bytes", plan.packed_bytes()}}}};
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

void inspect(const InspectOptions& options) {
  const Model model = load_model(options.model, options.prepare);
  const auto plan = prepare(model, options.model, options.prepare);
  Report report{model, *plan, make_layers(model, *plan), 0};
  for (const Layer& layer : report.layers) report.parameters += layer.parameters;
  options.json ? print_json(report) : print_text(report);
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command(app, action, "inspect",
                  "Show a network's layers, the kernels chosen for them, and what memory it takes", inspect);
  command->add_option("MODEL", options->model, kModelHelp)->required();
  add_prepare_options(*command, options->prepare);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace octet::cli
