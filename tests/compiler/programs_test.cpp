// Compiled networks in programs of their own: C, several networks in one, other machines.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "models/builder.h"
#include "models/tflite_reader.h"
#include "system/process.h"
#include "tests/compiler/folder.h"
#include "tests/conformance/run.h"
#include "tests/data.h"
#include "tests/runtime/block_network.h"
#include "tests/runtime/small_network.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

/// A C program that runs both networks in one arena after the other, and exits with 0 where both are right.
std::string two_networks() {
  const auto bytes = [](const std::vector<uint8_t>& values) {
    std::string list;
    for (const uint8_t value : values) list += std::to_string(value) + ", ";
    return list;
  };
  const auto check = [&](const std::string& name, DataType type) {
    return "  {\n    const unsigned char in[] = {" + bytes(small_input(type)) + "}, expected[] = {" +
           bytes(small_output(type)) + "};\n    " + name + "_t* net = " + name +
           "_create(arena, sizeof arena);\n    if (net == 0) return 2;\n    memcpy(" + name +
           "_input(net, 0), in, sizeof in);\n    if (" + name + "_start_threads(net, 2) != 0 || " + name +
           "_run(net) != 0) return 3;\n    if (memcmp(" + name +
           "_output(net, 0), expected, sizeof expected) != 0) return 4;\n    puts(" + name + "_features(net));\n    " +
           name + "_destroy(net);\n  }\n";
  };
  return "#include <stdio.h>\n#include <string.h>\n#include \"first.h\"\n#include \"second.h\"\n\n"
         "static _Alignas(64) char arena[FIRST_ARENA_BYTES + SECOND_ARENA_BYTES];\n\nint main(void) {\n" +
         check("first", DataType::UInt8) + check("second", DataType::Int8) + "  return 0;\n}\n";
}

/// Compiles a C program of a network or several. Returns it.
fs::path link_program(const fs::path& folder, const std::string& code, const std::string& c_compiler,
                      const std::vector<std::string>& networks, const std::vector<std::string>& more) {
  const fs::path source = folder / "main.c", program = folder / "main";
  std::ofstream(source) << code;
  std::vector<std::string> command = {
      c_compiler,      "-std=c11", "-Wall",          "-Wextra",  "-Werror",
      source.string(), "-o",       program.string(), "-pthread", "-I" + folder.string()};
  for (const std::string& network : networks) command.push_back((folder / ("lib" + network + ".a")).string());
  command.insert(command.end(), more.begin(), more.end());
  run_tool(command);
  return program;
}

/// Compiles both networks and the program, statically where it is for another machine. Returns the program.
fs::path build(const Platform& platform, const std::string& c_compiler, const std::vector<std::string>& more) {
  for (const auto& [name, type] : {std::pair("first", DataType::UInt8), std::pair("second", DataType::Int8)}) {
    CompileOptions options = options_for(name, platform, platform.targets);
    options.folder = test_folder() / platform.name;
    compile(small_network(type), options);
  }
  return link_program(test_folder() / platform.name, two_networks(), c_compiler, {"first", "second"}, more);
}

/// What is missing to run programs of 64-bit Arm.
std::optional<std::string> missing_for_arm() {
  for (const char* const tool : {"aarch64-linux-gnu-g++", "aarch64-linux-gnu-gcc", "qemu-aarch64"}) {
    try {
      converse({tool, "--version"}, {});
    } catch (const NoSuchProgram& missing) {
      return missing.what();
    }
  }
  return std::nullopt;
}

constexpr std::pair<const char*, const char*> kArmCpus[] = {
    {"cortex-a72", "neon"}, {"cortex-a76", "dotprod"}, {"max", "i8mm"}};

/// A C program that reads its inputs from files, runs on so many threads, writes its outputs to files, and prints the
/// instruction set: THREADS INPUT... OUTPUT...
constexpr const char* kRunner = R"(#include <stdio.h>
#include <stdlib.h>
#include "net.h"

static _Alignas(64) char arena[NET_ARENA_BYTES];

int main(int argc, char** argv) {
  net_t* net = net_create(arena, sizeof arena);
  if (argc != 2 + NET_INPUTS + NET_OUTPUTS || net == 0 || net_start_threads(net, atoi(argv[1])) != 0) return 2;
  for (int i = 0; i < NET_INPUTS; i++) {
    FILE* file = fopen(argv[2 + i], "rb");
    if (file == 0 || fread(net_input(net, i), 1, net_input_info(i)->bytes, file) != net_input_info(i)->bytes) return 3;
    fclose(file);
  }
  if (net_run(net) != 0) return 4;
  for (int i = 0; i < NET_OUTPUTS; i++) {
    FILE* file = fopen(argv[2 + NET_INPUTS + i], "wb");
    if (file == 0 || fwrite(net_output(net, i), 1, net_output_info(i)->bytes, file) != net_output_info(i)->bytes) return 5;
    fclose(file);
  }
  puts(net_features(net));
  net_destroy(net);
  return 0;
}
)";

TEST(Programs, TwoNetworksInOneOfC) {
  const fs::path program = build(parse_platform(host_platform()), "cc", {});
  EXPECT_TRUE(converse({program.string()}, {}).ok());
}

TEST(Programs, TwoNetworksOn64BitArm) {
  if (const auto missing = missing_for_arm()) GTEST_SKIP() << *missing;
  const fs::path program = build(parse_platform("arm-64-linux"), "aarch64-linux-gnu-gcc", {"-static"});
  for (const auto& [cpu, features] : kArmCpus) {
    const Outcome outcome = converse({"qemu-aarch64", "-cpu", cpu, program.string()}, {});
    EXPECT_EQ(outcome.code, 0) << cpu;
    EXPECT_EQ(outcome.out, std::string(features) + "\n" + features + "\n");
  }
}

/// The network compiled for 64-bit Arm gives `expected` on each of its instruction sets.
void expect_equal_on_arm(const std::string& name, const Model& model, const std::vector<Bytes>& inputs,
                         const std::vector<Bytes>& expected, int64_t fuse_blocks_bytes) {
  const Platform platform = parse_platform("arm-64-linux");
  CompileOptions options = options_for("net", platform, platform.targets);
  options.folder = test_folder() / (platform.name + "-" + name);
  options.fuse_blocks_bytes = fuse_blocks_bytes;
  compile(model, options);
  const fs::path program = link_program(options.folder, kRunner, "aarch64-linux-gnu-gcc", {"net"}, {"-static"});
  std::vector<std::string> files;
  for (size_t i = 0; i < inputs.size(); i++) {
    files.push_back((options.folder / ("in" + std::to_string(i))).string());
    std::ofstream(files.back(), std::ios::binary)
        .write(reinterpret_cast<const char*>(inputs[i].data()), std::ssize(inputs[i]));
  }
  for (size_t i = 0; i < expected.size(); i++) files.push_back((options.folder / ("out" + std::to_string(i))).string());
  for (const auto& [cpu, features] : kArmCpus) {
    SCOPED_TRACE(name + " on " + cpu + ", blocks for " + std::to_string(fuse_blocks_bytes));
    std::vector<std::string> command = {"qemu-aarch64", "-cpu", cpu, program.string(), "2"};
    command.insert(command.end(), files.begin(), files.end());
    const Outcome outcome = converse(command, {.patience = 600});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, std::string(features) + "\n");
    for (size_t i = 0; i < expected.size(); i++) {
      const fs::path file = files[inputs.size() + i];
      const DataType type = model.tensors[static_cast<size_t>(model.outputs[i])].type;
      EXPECT_EQ(difference(expected[i], read_file(file), type), "") << "output " << i;
      fs::remove(file);
    }
  }
}

/// Rows so long that their columns, where kernels interleave these ahead, do not fit into the stack.
TEST(Programs, BlocksOn64BitArm) {
  if (const auto missing = missing_for_arm()) GTEST_SKIP() << *missing;
  const Model model = block_network(
      {.height = 15,
       .width = 258,
       .channels = 16,
       .blocks = {{.expanded = 32, .out_c = 16, .adds = true}, {.expanded = 0, .out_c = 8, .stride = 2}}});
  Bytes input(15 * 258 * 16);
  for (size_t i = 0; i < input.size(); i++) input[i] = static_cast<std::byte>(i * 2654435761U >> 24);
  const std::vector<Bytes> inputs{input}, expected = run_on(model, inputs, targets_under_test().back());
  for (const int64_t fuse_blocks_bytes : {0, 96 << 10})
    expect_equal_on_arm("blocks", model, inputs, expected, fuse_blocks_bytes);
}

/// A small one; all of them, layer by layer and with blocks in bands, where all are wanted.
TEST(Programs, RecordedNetworksOn64BitArm) {
  if (!data_folder()) GTEST_SKIP() << no_data_message();
  if (const auto missing = missing_for_arm()) GTEST_SKIP() << *missing;
  std::string last;
  for (const RecordedCase& recorded : network_cases()) {
    const std::string stem = recorded.model.stem().string();
    if (stem.ends_with("_float") || stem == last || (!all_wanted() && stem != "resnet8_cifar10_int8")) continue;
    last = stem;  // of several cases of a network one does
    for (const int64_t fuse_blocks_bytes : {0, 64 << 10})
      if (fuse_blocks_bytes == 0 || all_wanted())
        expect_equal_on_arm(stem, read_tflite(recorded.model), recorded_inputs(recorded), recorded_outputs(recorded),
                            fuse_blocks_bytes);
  }
}

TEST(Programs, AMachineWithoutACompilerSaysSoAndWritesNothing) {
  CompileOptions options = options_for("nothing", parse_platform("arm-64-linux"), {Target::Neon});
  options.cxx = "no-such-compiler";
  fs::remove_all(options.folder);
  try {
    compile(small_network(), options);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_STREQ(
        error.what(),
        "arm-64-linux: needs a C++ compiler for it, and 'no-such-compiler' is not installed: say --cxx COMPILER");
  }
  EXPECT_FALSE(fs::exists(options.folder));
}

TEST(Programs, APageShowsTheKernels) {
  const Platform platform = parse_platform(host_platform());
  CompileOptions options = options_for("page", platform, {platform.targets.front()});
  options.emit = {.loops = true, .assembly = true, .schedule = true};
  options.profile = true;
  // Of so many channels that the convolutions' steps are not written out, but a loop.
  const Model model =
      block_network({.height = 9, .width = 9, .channels = 64, .blocks = {{.expanded = 0, .out_c = 64}}});
  const size_t kernels = compile(model, options).targets[0].different;
  std::ifstream file(options.folder / "page.html");
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  const auto count = [&](const std::string& word) {
    size_t found = 0;
    for (size_t at = 0; (at = html.find(word, at)) != std::string::npos; at += word.size()) ++found;
    return found;
  };
  EXPECT_GE(kernels, 2);
  EXPECT_EQ(count("<details class=\"kernel\">"), kernels);
  EXPECT_EQ(count("Loops, as Halide lowered them"), kernels);
  EXPECT_EQ(count("<details"), count("</details>"));
  EXPECT_EQ(count("<span"), count("</span>"));
  EXPECT_EQ(count("<pre>"), count("</pre>"));
  EXPECT_EQ(count("class=\"hot\""), kernels);
  EXPECT_GE(count("class=\"m\""), 1);
  EXPECT_EQ(count("ms on one thread"), 1);
  EXPECT_EQ(count("A tile is "), kernels);
  for (const char* const outside : {"http", "src=", "<link", "@import", "url("})
    EXPECT_EQ(count(outside), 0) << outside;

  options.emit = {.schedule = true};
  options.profile = false;
  compile(small_network(), options);
  std::ifstream again(options.folder / "page.html");
  const std::string without((std::istreambuf_iterator<char>(again)), {});
  EXPECT_EQ(without.find("<pre>"), std::string::npos);
  EXPECT_NE(without.find("Not measured"), std::string::npos);
}

/// Where all extents are known too, weights are loaded by the vector: of panels with second parts as well, which lie
/// where a table says.
TEST(Programs, DepthwiseKernelsLoadWholeVectors) {
  const Platform platform = parse_platform(host_platform());
  if (std::ranges::find(platform.targets, Target::Avx512Vnni) == platform.targets.end())
    GTEST_SKIP() << "no kernels for AVX-512 are compiled here";
  constexpr int32_t kChannels = 128;
  struct Case {
    int32_t width, rows_beyond_int8;
    const char* kernel;
  };
  for (const auto& [width, rows, kernel] : {Case{14, 1, "_sliding_avx512vnni"},
                                            {14, 2, "_sliding_split_avx512vnni"},
                                            {16, 2, "_sliding_split_avx512vnni"}}) {
    Bytes weights(size_t{9} * kChannels, std::byte{100});
    for (int32_t row = 0; row < rows; row++) weights[static_cast<size_t>(row * 3 * kChannels + 5)] = std::byte{200};
    ModelBuilder b("depthwise");
    const TensorSpec image{"image", {1, width, width, kChannels}, DataType::UInt8, quantized(0.05f, 0)};
    const int32_t x = b.input(image);
    const int32_t filter = b.constant({"filter", {1, 3, 3, kChannels}, DataType::UInt8, quantized(0.01f, 0)}, weights);
    b.output(b.op(OpCode::DepthwiseConv2D, {x, filter}, DepthwiseConv2DOptions{}, image));
    CompileOptions options = options_for("vectors", platform, {Target::Avx512Vnni});
    options.emit = {.assembly = true};
    compile(b.build(), options);
    std::ifstream file(options.folder / "vectors.html");
    const std::string html((std::istreambuf_iterator<char>(file)), {});
    EXPECT_NE(html.find(kernel), std::string::npos);
    EXPECT_NE(html.find("vpdpbusd"), std::string::npos);
    for (const char* const by_byte : {"vpinsrb", "vpgather"})
      EXPECT_EQ(html.find(by_byte), std::string::npos) << kernel << ", " << by_byte;
  }
}

TEST(Programs, OnlyThisMachineIsMeasured) {
  const Platform other = parse_platform(host_platform() == "arm-64-linux" ? "x86-64-linux" : "arm-64-linux");
  CompileOptions options = options_for("elsewhere", other, {other.targets.front()});
  options.emit.schedule = options.profile = true;
  EXPECT_THROW(compile(small_network(), options), ModelError);
}

TEST(Programs, NamesAndFeaturesAreChecked) {
  EXPECT_EQ(identifier_of("mobilenet_v1_1.0_224"), "mobilenet_v1_1_0_224");
  EXPECT_EQ(identifier_of("0net"), "net_0net");
  EXPECT_THROW(check_identifier("a-b"), ModelError);
  for (const char* const taken : {"while", "export", "xor_eq", "alignas", "linux"})
    EXPECT_THROW(check_identifier(taken), ModelError) << taken;
  EXPECT_THROW(check_identifier(""), ModelError);
  EXPECT_NO_THROW(check_identifier("net"));
  const Platform arm = parse_platform("arm-64-linux");
  EXPECT_THROW(parse_platform("arm-32-linux"), ModelError);
  EXPECT_THROW(parse_features(arm, {"avx2"}), ModelError);
  EXPECT_EQ(parse_features(arm, {"auto"}), arm.targets);
  EXPECT_EQ(parse_features(arm, {"i8mm", "neon"}), (std::vector{Target::Neon, Target::I8mm}));
}

}  // namespace
}  // namespace octet
