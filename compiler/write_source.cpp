#include "compiler/write_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "compiler/library/network.h"
#include "runtime/aligned_memory.h"

namespace octet {

namespace {

/// By their place in Work.
constexpr std::array kStepNames = {"ConvolutionStep",
                                   "DepthwiseStep",
                                   "BinaryStep",
                                   "PoolStep",
                                   "MeanStep",
                                   "LookupStep",
                                   "MoveStep",
                                   "GatherStep",
                                   "ResizeNearestStep",
                                   "ResizeBilinearStep",
                                   "QuantizeStep",
                                   "DequantizeStep",
                                   "CastStep",
                                   "ArgMaxStep",
                                   "PreluStep",
                                   "SoftmaxStep",
                                   "L2NormalizationStep",
                                   "BlockStep"};
static_assert(kStepNames.size() == std::variant_size_v<Work>);

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// @NAME@ and @UPPER@ in a text.
std::string with_name(std::string text, const std::string& name) {
  return replace_all(replace_all(std::move(text), "@NAME@", name), "@UPPER@", upper(name));
}

/// As C has it in quotes: nothing that ends the string or a comment.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (byte < 32 || byte >= 127 || c == '?')
      out += fmt::format("\\{:03o}", byte);
    else
      out += c;
  }
  return out;
}

std::string comment_safe(const std::string& text) {
  std::string out = replace_all(text, "*/", "* /");
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < 32 || c >= 127 || c == '\\'; }, '?');
  return out;
}

/// A float that reads back as itself.
std::string number(float value) {
  std::string text = fmt::format("{:.9g}", value);
  return text + (text.find_first_of(".e") == std::string::npos ? ".0f" : "f");
}

/// A step's bytes: it is plain data, and refers to the rest by numbers.
std::string bytes_of(const Work& work) {
  std::string text;
  std::visit(
      [&](const auto& step) {
        static_assert(std::is_trivially_copyable_v<std::remove_cvref_t<decltype(step)>>);
        std::array<uint8_t, sizeof step> bytes;
        std::memcpy(bytes.data(), &step, sizeof step);
        text = fmt::format("{}", fmt::join(bytes, ","));
      },
      work);
  return text;
}

int64_t arena_bytes_of(const Plan& plan) { return align_up(plan.memory().arena_bytes + kSlackBytes); }

/// Of all variants; no pointers.
compiled::Network sizes_of(const std::vector<PlannedVariant>& variants) {
  compiled::Network sizes{};
  sizes.variant_count = static_cast<int32_t>(variants.size());
  sizes.input_count = static_cast<int32_t>(variants[0].plan->inputs().size());
  sizes.output_count = static_cast<int32_t>(variants[0].plan->outputs().size());
  for (const PlannedVariant& variant : variants) {
    sizes.arena_bytes = std::max(sizes.arena_bytes, arena_bytes_of(*variant.plan));
    sizes.most_tensors = std::max(sizes.most_tensors, static_cast<int32_t>(variant.plan->memory().offset.size()));
  }
  return sizes;
}

std::string place_of(const Plan& plan, size_t tensor) {
  const auto constant = plan.constant_tensors().find(static_cast<int32_t>(tensor));
  if (constant != plan.constant_tensors().end()) return fmt::format("{{Place::In::Constants, {}}}", constant->second);
  const int64_t offset = plan.memory().offset[tensor];
  return offset < 0 ? "{Place::In::Nowhere, 0}" : fmt::format("{{Place::In::Arena, {}}}", offset);
}

std::string constants_symbol(const std::string& name, Target target) {
  return fmt::format("octet_{}_{}_constants", name, name_of(target));
}

std::string variant_tables(const PlannedVariant& variant) {
  const Plan& plan = *variant.plan;
  const std::string target(name_of(plan.target()));
  std::string text = fmt::format("namespace {} {{\n", target);
  std::string entries;
  for (size_t i = 0; i < plan.steps().size(); i++) {
    const Step& step = plan.steps()[i];
    const char* const type = kStepNames[step.work.index()];
    text += fmt::format("alignas(octet::{0}) constexpr unsigned char step{1}[sizeof(octet::{0})] = {{{2}}};\n", type, i,
                        bytes_of(step.work));
    entries += fmt::format("    {{run_step<octet::{}>, step{}, {}, {}}},\n", type, i, plan.memory().scratch_offset[i],
                           variant.alone[i] ? "true" : "false");
  }
  text += fmt::format("constexpr StepEntry steps[] = {{\n{}}};\n", entries);
  text += "constexpr octet::KernelFunction kernels[] = {\n";
  for (const std::string& symbol : variant.symbols) text += fmt::format("    {}_argv,\n", symbol);
  text += "    nullptr};\nconstexpr Place tensors[] = {\n";
  for (size_t t = 0; t < plan.memory().offset.size(); t++) text += fmt::format("    {},\n", place_of(plan, t));
  text += "};\nconstexpr Fill fills[] = {\n";
  for (const FilledTensor& filled : plan.filled_tensors()) {
    const int64_t offset = plan.memory().offset[static_cast<size_t>(filled.tensor)];
    if (offset >= 0)
      text += fmt::format("    {{{}, {}, {}}},\n", offset, plan.tensor_bytes(filled.tensor), filled.value);
  }
  text += fmt::format("    {{}}}};\nconstexpr int32_t inputs[] = {{{}}}, outputs[] = {{{}}};\n}}  // namespace {}\n\n",
                      fmt::join(plan.input_tensors(), ", "), fmt::join(plan.output_tensors(), ", "), target);
  return text;
}

std::string variant_entry(const std::string& name, const PlannedVariant& variant) {
  const Plan& plan = *variant.plan;
  const std::string target(name_of(plan.target()));
  constexpr std::array kTargetNames = {"Sse41", "Avx2", "Avx512Vnni", "Neon", "Dotprod", "I8mm"};
  return fmt::format(
      "    {{octet::Target::{0}, \"{1}\", {1}::steps, {2}, {3}, {6}, {5}, {1}::kernels, {1}::tensors, {4}, "
      "{1}::fills, {1}::inputs, {1}::outputs}},\n",
      kTargetNames[static_cast<size_t>(plan.target())], target, plan.steps().size(),
      constants_symbol(name, plan.target()), plan.memory().offset.size(), arena_bytes_of(plan),
      plan.constants().size());
}

std::string tensor_entry(const char* kind, size_t index, const TensorInfo& info) {
  const auto& [scales, zero_points, axis] = info.quantization;
  std::string text;
  const std::string prefix = fmt::format("{}{}", kind, index);
  std::vector<std::string> numbers;
  for (const float scale : scales) numbers.push_back(number(scale));
  text += fmt::format("constexpr int32_t {}_shape[] = {{{}}};\n", prefix,
                      info.shape.empty() ? "0" : fmt::format("{}", fmt::join(info.shape, ", ")));
  if (!scales.empty())
    text += fmt::format("constexpr float {0}_scales[] = {{{1}}};\nconstexpr int64_t {0}_zeros[] = {{{2}}};\n", prefix,
                        fmt::join(numbers, ", "), fmt::join(zero_points, ", "));
  return text;
}

std::string tensor_list(const char* kind, const std::vector<TensorInfo>& infos) {
  std::string text, list;
  for (size_t i = 0; i < infos.size(); i++) {
    const TensorInfo& info = infos[i];
    const size_t scales = info.quantization.scale.size();
    text += tensor_entry(kind, i, info);
    const std::string prefix = fmt::format("{}{}", kind, i);
    list += fmt::format("    {{\"{}\", {}, {}, {}_shape, {}, {}, {}, {}, {}}},\n", escaped(info.name),
                        static_cast<int>(info.type), info.shape.size(), prefix, info.bytes, scales,
                        scales > 0 ? prefix + "_scales" : "nullptr", scales > 0 ? prefix + "_zeros" : "nullptr",
                        info.quantization.axis);
  }
  return text + fmt::format("constexpr octet_tensor {}s[] = {{\n{}    {{}}}};\n\n", kind, list);
}

constexpr const char* kFunctions = R"(
extern "C" {

const octet_tensor* @NAME@_input_info(int index) {
  return index < 0 || index >= @UPPER@_INPUTS ? nullptr : &input_infos[index];
}
const octet_tensor* @NAME@_output_info(int index) {
  return index < 0 || index >= @UPPER@_OUTPUTS ? nullptr : &output_infos[index];
}
size_t @NAME@_arena_bytes(void) { return Instance::bytes(network); }
@NAME@_t* @NAME@_create(void* arena, size_t bytes) { return @NAME@_create_for(arena, bytes, nullptr); }
@NAME@_t* @NAME@_create_for(void* arena, size_t bytes, const char* features) {
  return reinterpret_cast<@NAME@_t*>(Instance::create(network, arena, bytes, features));
}
void @NAME@_destroy(@NAME@_t* net) {
  if (net != nullptr) instance(net)->destroy();
}
const char* @NAME@_features(const @NAME@_t* net) { return instance(net)->features(); }
int @NAME@_start_threads(@NAME@_t* net, int threads) { return instance(net)->start_threads(threads); }
int @NAME@_use_threads(@NAME@_t* net, const octet_parallel* parallel) {
  if (parallel == nullptr) return instance(net)->use_threads_of(nullptr);
  const octet::compiled::CallerParallel caller{parallel->context, parallel->threads, parallel->run};
  return instance(net)->use_threads_of(&caller);
}
void* @NAME@_input(@NAME@_t* net, int index) { return instance(net)->input(index); }
const void* @NAME@_output(const @NAME@_t* net, int index) { return instance(net)->output(index); }
int @NAME@_run(@NAME@_t* net) { return instance(net)->run(nullptr, nullptr); }
int @NAME@_run_watched(@NAME@_t* net, void (*after)(void* context, int layer), void* context) {
  return instance(net)->run(after, context);
}

}  // extern "C"
)";

constexpr const char* kHeader =
    R"(/* @NAME@: a quantized network, compiled by Octet (octet compile). Link lib@NAME@.a and POSIX threads.
 *
@TENSORS@ *
 *   static _Alignas(64) char arena[@UPPER@_ARENA_BYTES];      or any other memory, aligned to 64 bytes
 *   @NAME@_t* net = @NAME@_create(arena, sizeof arena);
 *   memcpy(@NAME@_input(net, 0), picture, @UPPER@_INPUT0_BYTES);
 *   @NAME@_run(net);
 *   const void* result = @NAME@_output(net, 0);               @UPPER@_OUTPUT0_BYTES of them
 *   @NAME@_destroy(net);
 *
 * There is no global state: instances, each in an arena of its own, may be used by different threads at the same time; one
 * instance is for one thread at a time. Weights are read-only data, shared by all. Nothing allocates memory
 * (but @NAME@_start_threads, where the system starts threads), reads files, prints, throws or ends the program.
 * What has no other return value for it returns 0 for success.
 */
#ifndef OCTET_COMPILED_@UPPER@_H_
#define OCTET_COMPILED_@UPPER@_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef OCTET_COMPILED_TYPES_
#define OCTET_COMPILED_TYPES_
/* An input or output. real = scales[c] * (stored - zero_points[c]); c is 0, or, where there are several, the index along
 * dimension `axis`. */
typedef struct octet_tensor {
  const char* name;
  int32_t type; /* as .tflite files number them: 0 float, 2 int32, 3 uint8, 4 int64, 6 bool, 7 int16, 9 int8 */
  int32_t rank;
  const int32_t* shape; /* images: batch, rows, columns, channels; the last dimension lies together */
  size_t bytes;
  int32_t scale_count; /* 0: not quantized */
  const float* scales;
  const int64_t* zero_points;
  int32_t axis;
} octet_tensor;

/* The caller's threads. `run` calls body(data, begin, end) for ranges that cover [0, count) without overlap, on any threads, and
 * returns when all calls did; ranges begin at multiples of `grain`. `threads`: how many there are, the caller's included. */
typedef struct octet_parallel {
  void* context;
  int threads;
  void (*run)(void* context, int64_t count, int64_t grain, void (*body)(void* data, int64_t begin, int64_t end), void* data);
} octet_parallel;
#endif

@DEFINES@
/* An instance: it lies in its arena. */
typedef struct @NAME@_t @NAME@_t;

/* What an arena takes on any CPU; @UPPER@_ARENA_BYTES. */
size_t @NAME@_arena_bytes(void);
/* Makes an instance in the arena, which stays the caller's and must not be touched otherwise until the instance is no longer
 * used. Inputs are zero at first. For the best instruction set that the CPU has, of: @FEATURES@.
 * NULL: the arena is too small or not aligned to 64 bytes, or the CPU has none of these. An arena that begins and ends at
 * multiples of 2 MiB takes large pages where the system has them, which are made sooner. */
@NAME@_t* @NAME@_create(void* arena, size_t bytes);
/* The same for one of these by its name; NULL is the best. */
@NAME@_t* @NAME@_create_for(void* arena, size_t bytes, const char* features);
/* Ends its threads; afterwards the arena may be used for anything. NULL does nothing. */
void @NAME@_destroy(@NAME@_t* net);
/* The name of the instruction set. */
const char* @NAME@_features(const @NAME@_t* net);

/* From now on runs on so many threads, 1 to 64, the calling one included: the library's own, which wait asleep between runs.
 * At first it is 1. -1: there are no more threads to be had, or a number out of range; then it goes on with one. */
int @NAME@_start_threads(@NAME@_t* net, int threads);
/* From now on runs on the caller's threads; the struct is copied. NULL: on one thread. -1: `run` is NULL, or threads < 1. */
int @NAME@_use_threads(@NAME@_t* net, const octet_parallel* parallel);

/* Number 0 is the first. NULL: there is no such one. */
const octet_tensor* @NAME@_input_info(int index);
const octet_tensor* @NAME@_output_info(int index);
/* Where an input is written; it stays until it is written again. */
void* @NAME@_input(@NAME@_t* net, int index);
/* Where an output is read, after a run until the next. */
const void* @NAME@_output(const @NAME@_t* net, int index);

/* One inference, on up to 256 KiB of the caller's stack. Not 0: an input has an index that is outside of what it indexes
 * (networks with GATHER only); outputs are undefined then. */
int @NAME@_run(@NAME@_t* net);
/* The same; calls after(context, layer) when a layer is done: 0, 1, ... @UPPER@_LAYERS at most. */
int @NAME@_run_watched(@NAME@_t* net, void (*after)(void* context, int layer), void* context);

#ifdef __cplusplus
}  /* extern "C" */

#include <cstdlib>
#include <new>

namespace @NAME@ {

/* The same for C++: has its own arena. */
class Network {
 public:
  /* Throws std::bad_alloc; without exceptions see ok(). */
  explicit Network(int threads = 1, const char* features = nullptr)
      : arena_(std::aligned_alloc(kAlignment, kBytes)), net_(@NAME@_create_for(arena_, kBytes, features)) {
    if (net_ != nullptr && threads != 1) @NAME@_start_threads(net_, threads);
  }
  ~Network() {
    @NAME@_destroy(net_);
    std::free(arena_);
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /* False: no memory, or the CPU lacks all instruction sets; then call nothing else. */
  bool ok() const { return net_ != nullptr; }
  template <typename T = uint8_t>
  T* input(int index = 0) {
    return static_cast<T*>(@NAME@_input(net_, index));
  }
  template <typename T = uint8_t>
  const T* output(int index = 0) const {
    return static_cast<const T*>(@NAME@_output(net_, index));
  }
  bool run() { return @NAME@_run(net_) == 0; }
  const char* features() const { return @NAME@_features(net_); }
  @NAME@_t* get() { return net_; }

 private:
  /* Large pages, where it fills half of one. */
  static constexpr std::size_t kAlignment = @UPPER@_ARENA_BYTES >= 1 << 20 ? 2 << 20 : 64;
  static constexpr std::size_t kBytes = (@UPPER@_ARENA_BYTES + kAlignment - 1) / kAlignment * kAlignment;
  void* arena_;
  @NAME@_t* net_;
};

}  // namespace @NAME@
#endif
#endif
)";

constexpr const char* kPackage =
    R"(# @NAME@, a network compiled by Octet: find_package(@NAME@ PATHS <this folder>), then link the target @NAME@.
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
if(NOT TARGET @NAME@)
  add_library(@NAME@ STATIC IMPORTED)
  set_target_properties(@NAME@ PROPERTIES
    IMPORTED_LOCATION "${CMAKE_CURRENT_LIST_DIR}/lib@NAME@.a"
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
)";

/// What the C types are, for people.
const char* c_type(DataType type) {
  switch (type) {
    case DataType::UInt8:
      return "uint8_t";
    case DataType::Int8:
      return "int8_t";
    case DataType::Int16:
      return "int16_t";
    case DataType::Int32:
      return "int32_t";
    case DataType::Int64:
      return "int64_t";
    case DataType::Float32:
      return "float";
    case DataType::Bool:
      return "bool";
    default:
      return "bytes";
  }
}

std::string tensor_line(const char* kind, size_t index, const TensorInfo& info) {
  const auto& q = info.quantization;
  std::string text = fmt::format(" * {} {}: {} [{}] '{}'", kind, index, c_type(info.type), fmt::join(info.shape, ", "),
                                 comment_safe(info.name));
  if (q.scale.size() == 1) text += fmt::format(", real = {:g} * (stored - {})", q.scale[0], q.zero_point[0]);
  return text + "\n";
}

std::string tensor_defines(const char* kind, const std::vector<TensorInfo>& infos) {
  std::string text = fmt::format("#define @UPPER@_{}S {}\n", kind, infos.size());
  for (size_t i = 0; i < infos.size(); i++) {
    const auto& q = infos[i].quantization;
    text += fmt::format("#define @UPPER@_{}{}_BYTES {}\n", kind, i, infos[i].bytes);
    if (q.scale.size() != 1) continue;
    text += fmt::format("#define @UPPER@_{0}{1}_SCALE {2}\n#define @UPPER@_{0}{1}_ZERO_POINT {3}\n", kind, i,
                        number(q.scale[0]), q.zero_point[0]);
  }
  return text;
}

}  // namespace

std::string network_source(const std::string& name, const std::vector<PlannedVariant>& variants) {
  std::string text = "#include \"compiler/library/network.h\"\n#pragma GCC visibility push(default)\n#include \"" +
                     name + ".h\"\n#pragma GCC visibility pop\n\nextern \"C\" {\n";
  std::set<std::string> symbols;
  for (const PlannedVariant& variant : variants) {
    symbols.insert(variant.symbols.begin(), variant.symbols.end());
    text += fmt::format("extern const std::byte {}[];\n", constants_symbol(name, variant.plan->target()));
  }
  for (const std::string& symbol : symbols) text += fmt::format("int {}_argv(void**);\n", symbol);
  text +=
      "}\n\nnamespace {\n\nusing octet::compiled::Fill;\nusing octet::compiled::Instance;\nusing "
      "octet::compiled::Place;\n"
      "using octet::compiled::run_step;\nusing octet::compiled::StepEntry;\n\n";
  for (const PlannedVariant& variant : variants) text += variant_tables(variant);
  text += "constexpr octet::compiled::Variant variants[] = {\n";
  for (const PlannedVariant& variant : variants) text += variant_entry(name, variant);
  const Plan& plan = *variants.front().plan;
  const compiled::Network sizes = sizes_of(variants);
  std::vector<size_t> input_bytes;
  for (const TensorInfo& input : plan.inputs()) input_bytes.push_back(input.bytes);
  text += fmt::format(
      "}};\nconstexpr int64_t input_bytes[] = {{{}}};\nconstexpr octet::compiled::Network network = {{variants, {}, "
      "{}, "
      "{}, input_bytes, {}, {}}};\n\n",
      fmt::join(input_bytes, ", "), sizes.variant_count, sizes.input_count, sizes.output_count, sizes.most_tensors,
      sizes.arena_bytes);
  text += tensor_list("input_info", plan.inputs()) + tensor_list("output_info", plan.outputs());
  text +=
      "Instance* instance(@NAME@_t* net) { return reinterpret_cast<Instance*>(net); }\n"
      "const Instance* instance(const @NAME@_t* net) { return reinterpret_cast<const Instance*>(net); }\n\n"
      "static_assert(Instance::bytes(network) == @UPPER@_ARENA_BYTES);\n\n}  // namespace\n";
  return with_name(text + kFunctions, name);
}

std::string constants_source(const std::string& name, const std::vector<PlannedVariant>& variants,
                             const std::vector<std::string>& files) {
  std::string text;
  for (size_t i = 0; i < variants.size(); i++) {
    const std::string symbol = constants_symbol(name, variants[i].plan->target());
    text += fmt::format(
        ".section .rodata.{0},\"a\"\n.balign 64\n.globl {0}\n.hidden {0}\n{0}:\n.incbin \"{1}\"\n.zero {2}\n", symbol,
        files[i], kSlackBytes);
  }
  return text + ".section .note.GNU-stack,\"\"\n";
}

std::string header(const std::string& name, const std::vector<PlannedVariant>& variants) {
  const Plan& plan = *variants.front().plan;
  std::string tensors, features;
  for (size_t i = 0; i < plan.inputs().size(); i++) tensors += tensor_line("input", i, plan.inputs()[i]);
  for (size_t i = 0; i < plan.outputs().size(); i++) tensors += tensor_line("output", i, plan.outputs()[i]);
  size_t layers = 0;
  for (const PlannedVariant& variant : variants) {
    features += (features.empty() ? "" : ", ") + std::string(name_of(variant.plan->target()));
    layers = std::max(layers, variant.plan->steps().size());
  }
  const std::string defines = tensor_defines("INPUT", plan.inputs()) + tensor_defines("OUTPUT", plan.outputs()) +
                              fmt::format("#define @UPPER@_LAYERS {}\n#define @UPPER@_ARENA_BYTES {}\n", layers,
                                          compiled::Instance::bytes(sizes_of(variants)));
  std::string text = replace_all(kHeader, "@TENSORS@", tensors);
  text = replace_all(text, "@DEFINES@", defines);
  text = replace_all(text, "@FEATURES@", features);
  return with_name(text, name);
}

std::string cmake_package(const std::string& name) { return with_name(kPackage, name); }

std::vector<std::string> exported_functions(const std::string& name) {
  std::vector<std::string> functions;
  for (const char* const suffix : {"arena_bytes", "create", "create_for", "destroy", "features", "start_threads",
                                   "use_threads", "input_info", "output_info", "input", "output", "run", "run_watched"})
    functions.push_back(name + "_" + suffix);
  return functions;
}

}  // namespace octet
