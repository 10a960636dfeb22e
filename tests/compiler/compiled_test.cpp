// Compiled networks: byte for byte what the recorded reference, or a session, computes; whoever's threads they run on;
// without an allocation.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "compiler/compiled_network.h"
#include "models/builder.h"
#include "models/tflite_reader.h"
#include "runtime/aligned_memory.h"
#include "runtime/steps/parallel.h"
#include "tests/compiler/allocations.h"
#include "tests/compiler/folder.h"
#include "tests/conformance/run.h"
#include "tests/data.h"
#include "tests/runtime/block_network.h"
#include "tests/runtime/small_network.h"

namespace octet {
namespace {

Platform host() { return parse_platform(host_platform()); }

void set_inputs(const CompiledNetwork::Instance& net, const std::vector<Bytes>& inputs) {
  for (size_t i = 0; i < inputs.size(); i++)
    std::memcpy(net.input(static_cast<int>(i)), inputs[i].data(), inputs[i].size());
}

void expect_outputs(const CompiledNetwork::Instance& net, const Model& model, const std::vector<Bytes>& expected) {
  for (size_t i = 0; i < expected.size(); i++) {
    const std::byte* const bytes = net.output(static_cast<int>(i));
    const DataType type = model.tensors[static_cast<size_t>(model.outputs[i])].type;
    EXPECT_EQ(difference(expected[i], Bytes(bytes, bytes + expected[i].size()), type), "") << "output " << i;
  }
}

/// What was compiled.
CompiledNetwork load(const CompileOptions& options) {
  const Toolchain toolchain(options.platform, "");
  return CompiledNetwork(CompiledNetwork::link(options.folder, options.name, toolchain), options.name);
}

/// Every range in a thread of its own, in pieces of a grain.
void run_in_threads(void*, int64_t count, int64_t grain, RangeBody::Function body, void* data) {
  std::vector<std::jthread> threads;
  for (int64_t begin = 0; begin < count; begin += grain)
    threads.emplace_back([=] { body(data, begin, std::min(begin + grain, count)); });
}

struct CallerParallel {
  void* context;
  int threads;
  Parallel::Run run;
};

/// The network of each target alone and on several threads: equal to `expected`, and runs without allocations.
/// Returns what was compiled.
CompileReport expect_equal(const std::string& name, const Model& model, const std::vector<Target>& targets,
                           const std::vector<Bytes>& inputs, const std::vector<Bytes>& expected,
                           int64_t fuse_blocks_bytes = 0) {
  CompileOptions options = options_for(name, host(), targets);
  options.fuse_blocks_bytes = fuse_blocks_bytes;
  const CompileReport report = compile(model, options);
  const CompiledNetwork network = load(options);
  for (const Target target : targets) {
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(name + " " + std::string(name_of(target)) + " threads " + std::to_string(threads));
      const CompiledNetwork::Instance net(network, std::string(name_of(target)), threads);
      EXPECT_EQ(net.features(), name_of(target));
      set_inputs(net, inputs);
      EXPECT_EQ(net.run(), 0);
      expect_outputs(net, model, expected);
      const size_t before = allocations();
      EXPECT_EQ(net.run(), 0);
      EXPECT_EQ(allocations(), before);
      expect_outputs(net, model, expected);
    }
  }
  return report;
}

TEST(Compiled, SmallNetworkOnEveryTargetAndKindOfThreads) {
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    const std::string name = type == DataType::UInt8 ? "small_u8" : "small_s8";
    const Model model = small_network(type);
    const auto bytes = [](const std::vector<uint8_t>& from) {
      const auto as_bytes = std::as_bytes(std::span(from));
      return std::vector<Bytes>{Bytes(as_bytes.begin(), as_bytes.end())};
    };
    expect_equal(name, model, targets_under_test(), bytes(small_input(type)), bytes(small_output(type)));

    const CompileOptions options = options_for(name, host(), targets_under_test());
    const CompiledNetwork network = load(options);
    const CompiledNetwork::Instance net(network, "", 1);
    set_inputs(net, bytes(small_input(type)));
    const CallerParallel parallel{nullptr, 4, run_in_threads};
    const auto use_threads = network.function<int(void*, const CallerParallel*)>("use_threads");
    ASSERT_EQ(use_threads(net.net(), &parallel), 0);
    ASSERT_EQ(net.run(), 0);
    expect_outputs(net, model, bytes(small_output(type)));
    const CallerParallel wrong{nullptr, 0, run_in_threads};
    EXPECT_NE(use_threads(net.net(), &wrong), 0);
    EXPECT_NE(network.function<int(void*, int)>("start_threads")(net.net(), 65), 0);
    EXPECT_EQ(net.input(1), nullptr);
    EXPECT_EQ(net.output(-1), nullptr);
  }
}

TEST(Compiled, AnArenaMustBeLargeEnoughAndAlignedAndForThisCpu) {
  const CompileOptions options = options_for("arena", host(), {targets_under_test().front()});
  compile(small_network(), options);
  const CompiledNetwork network = load(options);
  const size_t bytes = network.function<size_t()>("arena_bytes")();
  const auto memory = allocate_zeroed(static_cast<int64_t>(bytes) + 64);
  const auto create = network.function<void*(void*, size_t, const char*)>("create_for");
  EXPECT_NE(create(memory.get(), bytes, nullptr), nullptr);
  EXPECT_EQ(create(memory.get(), bytes - 1, nullptr), nullptr);
  EXPECT_EQ(create(memory.get() + 8, bytes, nullptr), nullptr);
  EXPECT_EQ(create(nullptr, bytes, nullptr), nullptr);
  EXPECT_EQ(create(memory.get(), bytes, "mmx"), nullptr);
}

TEST(Compiled, AnArenaMayHoldAnythingAtFirst) {
  const CompileOptions options = options_for("reused", host(), targets_under_test());
  compile(small_network(), options);
  const CompiledNetwork network = load(options);
  const size_t bytes = network.function<size_t()>("arena_bytes")();
  const auto memory = allocate_zeroed(static_cast<int64_t>(bytes));
  std::memset(memory.get(), 0xa5, bytes);
  void* const net = network.function<void*(void*, size_t, const char*)>("create_for")(memory.get(), bytes, nullptr);
  ASSERT_NE(net, nullptr);
  auto* const input = network.function<std::byte*(void*, int)>("input")(net, 0);
  EXPECT_EQ(Bytes(input, input + 16), Bytes(16));
  std::memcpy(input, small_input(DataType::UInt8).data(), 16);
  ASSERT_EQ(network.function<int(void*)>("run")(net), 0);
  EXPECT_EQ(std::memcmp(network.function<const std::byte*(void*, int)>("output")(net, 0),
                        small_output(DataType::UInt8).data(), 16),
            0);
}

TEST(Compiled, InstancesRunAtTheSameTime) {
  const CompileOptions options = options_for("several", host(), {targets_under_test().back()});
  const Model model = small_network();
  compile(model, options);
  const CompiledNetwork network = load(options);
  std::vector<std::jthread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&] {
      const CompiledNetwork::Instance net(network, "", 2);
      const std::vector<uint8_t> expected = small_output(DataType::UInt8);
      for (int run = 0; run < 200; run++) {
        std::memcpy(net.input(0), small_input(DataType::UInt8).data(), 16);
        wrong += net.run() != 0 || std::memcmp(net.output(0), expected.data(), 16) != 0;
      }
    });
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(Compiled, BlocksInBands) {
  const std::vector<Target> usable = targets_under_test();
  const std::vector<Target> targets = all_wanted() ? usable : std::vector{usable.back()};
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    const std::string name = type == DataType::UInt8 ? "blocks_u8" : "blocks_s8";
    const Model model = block_network({.type = type,
                                       .height = 37,
                                       .width = 29,
                                       .channels = 16,
                                       .blocks = {{.expanded = 0, .out_c = 24},
                                                  {.expanded = 96, .out_c = 24, .adds = true},
                                                  {.expanded = 72, .out_c = 32, .k = 5, .stride = 2},
                                                  {.expanded = 128, .out_c = 32, .adds = true}}});
    const int64_t bytes = 37 * 29 * 16;
    Bytes input;
    for (int64_t i = 0; i < bytes; i++) input.push_back(static_cast<std::byte>(i * 2654435761 >> 24));
    const std::vector<Bytes> inputs{input}, expected = run_on(model, inputs, targets.back());
    const CompileReport apart = expect_equal(name, model, targets, inputs, expected);
    const CompileReport report = expect_equal(name + "_fused", model, targets, inputs, expected, 80 << 10);
    for (const CompileReport::OfTarget& of : report.targets) {
      EXPECT_EQ(of.blocks.size(), 4U);
      EXPECT_GE(std::ranges::count_if(of.blocks, &BlockMemory::fused), 2);
      EXPECT_LT(of.arena_bytes, of.arena_bytes_apart);
    }
    EXPECT_EQ(report.targets.back().arena_bytes_apart, apart.targets.back().arena_bytes);
  }
}

/// Rows that tiles divide and rows that they do not, few channels and many, borders, filters whose steps are written
/// out and such as are too long for that.
TEST(Compiled, ConvolutionsOfManyShapes) {
  const std::vector<Target> usable = targets_under_test();
  const std::vector<Target> targets = all_wanted() ? usable : std::vector{usable.back()};
  const auto plain = [](int32_t out_c, int32_t k, int32_t stride = 1, Padding padding = Padding::Same) {
    return BlockShape{.expanded = 0, .out_c = out_c, .k = k, .stride = stride, .padding = padding, .plain = true};
  };
  for (const DataType type : {DataType::UInt8, DataType::Int8})
    for (const int32_t width : {32, 37}) {
      const std::string name = fmt::format("shapes_{}_{}", type == DataType::UInt8 ? "u8" : "s8", width);
      const Model model = block_network({.type = type,
                                         .height = 20,
                                         .width = width,
                                         .channels = 3,
                                         .blocks = {plain(8, 3),
                                                    plain(16, 1),
                                                    plain(16, 3),
                                                    {.expanded = 48, .out_c = 16, .adds = true, .plain = true},
                                                    plain(40, 3, 2),
                                                    plain(64, 1),
                                                    plain(70, 2, 1, Padding::Valid),
                                                    plain(96, 3, 2),
                                                    {.expanded = 0, .out_c = 96, .k = 1, .adds = true, .plain = true},
                                                    plain(130, 1),
                                                    plain(4, 1)}});
      Bytes input;
      for (int64_t i = 0; i < int64_t{20} * width * 3; i++)
        input.push_back(static_cast<std::byte>(i * 2654435761 >> 24));
      expect_equal(name, model, targets, {input}, run_on(model, std::vector<Bytes>{input}, usable.front()));
    }
}

Bytes scattered_values(int64_t count) {
  Bytes bytes;
  for (int64_t i = 0; i < count; i++) bytes.push_back(static_cast<std::byte>(i * 2654435761 >> 24));
  return bytes;
}

/// Layers of many pixels, for which AVX-512 has tiles that overlap: all steps written out, and loops.
TEST(Compiled, ConvolutionsWhoseTilesOverlap) {
  const std::vector<Target> usable = targets_under_test();
  const Target target = usable.back();
  const auto plain = [](int32_t out_c, int32_t k, int32_t stride) {
    return BlockShape{.expanded = 0, .out_c = out_c, .k = k, .stride = stride, .plain = true};
  };
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    const Model model = block_network(
        {.type = type,
         .height = 112,
         .width = 112,
         .channels = 3,
         .blocks = {plain(32, 3, 2), plain(64, 1, 1), plain(96, 1, 1), plain(140, 1, 1), plain(32, 1, 1)}});
    const Bytes input = scattered_values(112 * 112 * 3);
    const std::string name = type == DataType::UInt8 ? "overlap_u8" : "overlap_s8";
    expect_equal(name, model, {target}, {input}, run_on(model, std::vector<Bytes>{input}, usable.front()));
    const auto overlaps = [](const Step& step) { return step.kernel.find("_overlapping") != std::string::npos; };
    const std::shared_ptr<const Plan> plan = plan_to_compile(model, target, {});
    if (type == DataType::Int8 && target == Target::Avx512Vnni) {
      EXPECT_GE(std::ranges::count_if(plan->steps(), overlaps), 3);
    }
  }
}

/// Of which taps lie outside the image for some pixels of a tile, and others go on to the next row.
TEST(Compiled, TransposedConvolutions) {
  const std::vector<Target> targets = targets_under_test();
  for (const int32_t stride : {1, 2}) {
    ModelBuilder b("transposed");
    const int32_t height = 6, width = 33, in_c = 18, out_c = 40, k = 2;
    const auto activation = [](int32_t rows, int32_t columns, int32_t channels) {
      return TensorSpec{"t", {1, rows, columns, channels}, DataType::UInt8, quantized(0.05f, 120)};
    };
    const int32_t shape = b.constant<int32_t>("shape", {4}, {1, height * stride, width * stride, out_c});
    const int32_t x = b.input(activation(height, width, in_c));
    const int32_t filter = b.constant({"filter", {out_c, k, k, in_c}, DataType::UInt8, quantized(0.01f, 130)},
                                      scattered_values(int64_t{out_c} * k * k * in_c));
    Conv2DOptions options;
    options.stride_w = options.stride_h = stride;
    b.output(
        b.op(OpCode::TransposeConv, {shape, filter, x}, options, activation(height * stride, width * stride, out_c)));
    const Model model = b.build();
    const std::vector<Bytes> inputs{scattered_values(int64_t{height} * width * in_c)};
    expect_equal(fmt::format("transposed_{}", stride), model, targets, inputs, run_on(model, inputs, targets.front()));
  }
}

/// One output: nothing to make a vector of.
TEST(Compiled, DepthwiseOfOneChannelAndPixel) {
  ModelBuilder b("single");
  const TensorSpec pixel{"t", {1, 1, 1, 1}, DataType::UInt8, quantized(0.05f, 120)};
  const int32_t x = b.input(pixel);
  const int32_t filter =
      b.constant({"filter", {1, 3, 3, 1}, DataType::UInt8, quantized(0.01f, 130)}, scattered_values(9));
  b.output(b.op(OpCode::DepthwiseConv2D, {x, filter}, DepthwiseConv2DOptions{}, pixel));
  const Model model = b.build();
  const std::vector<Bytes> inputs{{std::byte{200}}};
  const std::vector<Target> targets = targets_under_test();
  expect_equal("single", model, targets, inputs, run_on(model, inputs, targets.front()));
}

/// Networks that have something of everything; all of them where all are wanted.
TEST(Compiled, RecordedNetworks) {
  if (!data_folder()) GTEST_SKIP() << no_data_message();
  const std::vector<Target> usable = targets_under_test();
  const std::vector<Target> targets = all_wanted() ? usable : std::vector{usable.back()};
  std::string last;
  for (const RecordedCase& recorded : network_cases()) {
    const std::string stem = recorded.model.stem().string();
    if (stem.ends_with("_float") || (!all_wanted() && stem != "mobilenet_v1_0.25_128_quant") || stem == last) continue;
    last = stem;  // of several cases of a network one does
    const Model model = read_tflite(recorded.model);
    for (const int64_t fuse_blocks_bytes : {0, 64 << 10})
      expect_equal(identifier_of(stem), model, targets, recorded_inputs(recorded), recorded_outputs(recorded),
                   fuse_blocks_bytes);
  }
}

TEST(Compiled, RecordedOperators) {
  if (!data_folder()) GTEST_SKIP() << no_data_message();
  const std::vector<Target> usable = targets_under_test();
  for (const RecordedCase& recorded : operator_cases()) {
    // One of each kind that needs no kernel, or a rare one.
    const bool taken = recorded.name == "resize_bilinear_u8_000" || recorded.name == "softmax_s8_000" ||
                       recorded.name == "mul_s8_000" || recorded.name == "add_s8_000" || recorded.name == "mean_u8_000";
    if (!all_wanted() && !taken) continue;
    expect_equal(identifier_of(recorded.name), read_tflite(recorded.model),
                 all_wanted() ? usable : std::vector{usable.back()}, recorded_inputs(recorded),
                 recorded_outputs(recorded));
  }
}

}  // namespace
}  // namespace octet
