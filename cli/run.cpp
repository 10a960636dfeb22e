// octet run: one inference, on raw tensors or on a picture.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "cli/classes.h"
#include "cli/commands.h"
#include "cli/image.h"
#include "cli/load.h"
#include "cli/table.h"
#include "runtime/passes.h"
#include "runtime/session.h"
#include "system/files.h"

namespace octet::cli {
namespace {

struct RunOptions {
  std::string model;
  PrepareOptions prepare;
  int threads = 1;
  std::vector<std::string> inputs;
  std::string image, output, labels, dump_all;
  size_t top = 5;
};

std::string describe(const TensorInfo& t) {
  return fmt::format("'{}' ({} {})", t.name, name_of(t.type), to_string(t.shape));
}

void fill_from_files(const std::vector<std::string>& files, Session& session) {
  const std::vector<TensorInfo>& inputs = session.plan().inputs();
  if (files.size() != inputs.size()) {
    throw ModelError(fmt::format("{}: has {} input{}, but {} given (--input FILE for each, in order; or --image)",
                                 session.plan().name(), inputs.size(), inputs.size() == 1 ? "" : "s", files.size()));
  }
  for (size_t i = 0; i < files.size(); ++i) {
    const std::vector<std::byte> bytes = read_bytes(files[i]);
    if (bytes.size() != inputs[i].bytes) {
      throw ModelError(fmt::format("{}: has {} bytes, but input {} {} takes {}", files[i], bytes.size(), i,
                                   describe(inputs[i]), inputs[i].bytes));
    }
    std::memcpy(session.input(i).data(), bytes.data(), bytes.size());
  }
}

void fill_from_image(const std::string& file, const std::string& model, Session& session) {
  const std::vector<TensorInfo>& inputs = session.plan().inputs();
  if (inputs.size() != 1) {
    throw ModelError(fmt::format("{}: has {} inputs; --image is for networks with one", model, inputs.size()));
  }
  try {
    require_picture_input(inputs[0]);
  } catch (const ModelError& e) {
    throw ModelError(model + ": " + e.what());
  }
  fill_input(read_image(file), inputs[0], session.input(0));
}

/// A tensor's line in the index of a dump.
std::string index_line(int32_t index, const Tensor& t, const std::string& file) {
  std::string scale = "0", zero_point = "0";
  if (!t.quantization.scale.empty()) {
    scale = fmt::format("{:g}", t.quantization.scale[0]);
    zero_point = std::to_string(t.quantization.zero_point[0]);
  }
  return fmt::format("{},{},{},{},{},{}\n", index, name_of(t.type), to_string(t.shape), scale, zero_point, file);
}

/// Every tensor that a step computes, in execution order: PREFIX.INDEX.bin, and PREFIX.all.csv.
void dump_tensors(const Model& model, const Session& session, const std::string& prefix, Outputs& outputs) {
  std::string index = "tensor,type,dims,scale,zero_point,file\n";
  for (const Step& step : session.plan().steps()) {
    for (const int32_t t : step.writes) {
      if (t < 0 || static_cast<size_t>(t) >= model.tensors.size()) continue;
      const std::string file = fmt::format("{}.{}.bin", prefix, t);
      outputs.write(file, session.tensor(t));
      const std::string name = std::filesystem::path(file).filename().string();
      index += index_line(t, model.tensors[static_cast<size_t>(t)], name);
    }
  }
  outputs.write(prefix + ".all.csv", index);
}

void print_classes(const TensorInfo& output, std::span<const std::byte> bytes, size_t count,
                   const std::vector<std::string>& labels) {
  Table table;
  table.column("class");
  table.column("score");
  if (!labels.empty()) table.column("label", Table::Align::Left);
  for (const Class& c : top_classes(output, bytes, count)) {
    std::vector<std::string> row = {std::to_string(c.index), fmt::format("{:.4f}", c.score)};
    if (!labels.empty()) row.push_back(c.index < labels.size() ? printable(labels[c.index]) : "?");
    table.row(std::move(row));
  }
  fmt::print("{}", table.text());
}

void run(const RunOptions& options) {
  const bool dump = !options.dump_all.empty();
  PrepareOptions prepare_options = options.prepare;
  if (dump) {  // passes make tensors vanish
    for (const Pass& pass : passes()) prepare_options.passes_off.emplace_back(pass.name);
  }
  const Model model = load_model(options.model, options.prepare);
  const std::vector<std::string> labels =
      options.labels.empty() ? std::vector<std::string>() : read_labels(options.labels);
  Session session(prepare(model, options.model, prepare_options, dump), options.threads);
  options.image.empty() ? fill_from_files(options.inputs, session)
                        : fill_from_image(options.image, options.model, session);
  session.run();

  Outputs outputs;
  const std::vector<TensorInfo>& infos = session.plan().outputs();
  for (size_t i = 0; i < infos.size() && !options.output.empty(); ++i) {
    outputs.write(fmt::format("{}.out{}.bin", options.output, i), session.output(i));
  }
  if (dump) dump_tensors(model, session, options.dump_all, outputs);
  outputs.commit();

  const bool classes = infos.size() == 1 && is_class_list(infos[0]);
  if (classes && (options.output.empty() || !options.image.empty())) {
    print_classes(infos[0], session.output(0), options.top, labels);
    return;
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    fmt::print("output {}: {} {} {}\n", i, printable(infos[i].name), name_of(infos[i].type), to_string(infos[i].shape));
  }
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  const auto [command, options] =
      add_command(app, action, "run", "Run a network once, on raw tensors or on a picture", run);
  command->add_option("MODEL", options->model, kModelHelp)->required();
  auto* const input = command
                          ->add_option("--input", options->inputs,
                                       "Raw bytes of an input tensor; once for each input, in the network's order")
                          ->allow_extra_args(false);
  command
      ->add_option("--image", options->image,
                   "A JPEG, PNG or BMP instead: of a short side of 256 the centre 224 are seen, scaled to the input")
      ->excludes(input);
  command
      ->add_option("--output", options->output, "Write the outputs' raw bytes to PREFIX.out0.bin, PREFIX.out1.bin, ...")
      ->type_name("PREFIX");
  command->add_option("--labels", options->labels, "Names of the classes, one a line");
  command->add_option("--top", options->top, "Classes to print")->check(CLI::Range(1, 1000000))->capture_default_str();
  command
      ->add_option(
          "--dump-all", options->dump_all,
          "Write every computed tensor to PREFIX.<index>.bin and their list to PREFIX.all.csv; turns passes off")
      ->type_name("PREFIX");
  add_threads_option(*command, options->threads);
  add_prepare_options(*command, options->prepare);
}

}  // namespace octet::cli
