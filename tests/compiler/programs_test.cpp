// Compiled networks in programs of their own: C, several networks in one, other machines.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "cli/process.h"
#include "tests/compiler/folder.h"
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

/// Compiles both networks and the program, statically where it is for another machine. Returns the program.
fs::path build(const Platform& platform, const std::string& c_compiler, const std::vector<std::string>& more) {
  for (const auto& [name, type] : {std::pair("first", DataType::UInt8), std::pair("second", DataType::Int8)}) {
    CompileOptions options = options_for(name, platform, platform.targets);
    options.folder = test_folder() / platform.name;
    compile(small_network(type), options);
  }
  const fs::path folder = test_folder() / platform.name, source = folder / "main.c", program = folder / "main";
  std::ofstream(source) << two_networks();
  std::vector<std::string> command = {c_compiler,
                                      "-std=c11",
                                      "-Wall",
                                      "-Wextra",
                                      "-Werror",
                                      source.string(),
                                      "-o",
                                      program.string(),
                                      "-I" + folder.string(),
                                      (folder / "libfirst.a").string(),
                                      (folder / "libsecond.a").string(),
                                      "-pthread"};
  command.insert(command.end(), more.begin(), more.end());
  run_tool(command);
  return program;
}

TEST(Programs, TwoNetworksInOneOfC) {
  const fs::path program = build(parse_platform(host_platform()), "cc", {});
  EXPECT_TRUE(cli::converse({program.string()}, {}).ok());
}

TEST(Programs, TwoNetworksOn64BitArm) {
  for (const char* const tool : {"aarch64-linux-gnu-g++", "aarch64-linux-gnu-gcc", "qemu-aarch64"}) {
    try {
      cli::converse({tool, "--version"}, {});
    } catch (const cli::NoSuchProgram& missing) {
      GTEST_SKIP() << missing.what();
    }
  }
  const fs::path program = build(parse_platform("arm-64-linux"), "aarch64-linux-gnu-gcc", {"-static"});
  for (const auto& [cpu, features] :
       {std::pair("cortex-a72", "neon"), std::pair("cortex-a76", "dotprod"), std::pair("max", "i8mm")}) {
    const cli::Outcome outcome = cli::converse({"qemu-aarch64", "-cpu", cpu, program.string()}, {});
    EXPECT_EQ(outcome.code, 0) << cpu;
    EXPECT_EQ(outcome.out, std::string(features) + "\n" + features + "\n");
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
  compile(small_network(), options);
  std::ifstream file(options.folder / "page.html");
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  const auto count = [&](const std::string& word) {
    size_t found = 0;
    for (size_t at = 0; (at = html.find(word, at)) != std::string::npos; at += word.size()) ++found;
    return found;
  };
  EXPECT_EQ(count("<details class=\"kernel\">"), 2);  // a convolution's sums, and their rescaling
  EXPECT_EQ(count("Loops, as Halide lowered them"), 2);
  EXPECT_EQ(count("<details"), count("</details>"));
  EXPECT_EQ(count("<span"), count("</span>"));
  EXPECT_EQ(count("<pre>"), count("</pre>"));
  EXPECT_EQ(count("class=\"hot\""), 1);
  EXPECT_GE(count("class=\"m\""), 1);
  EXPECT_EQ(count("ms on one thread"), 1);
  EXPECT_EQ(count("A tile is "), 1);
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
  EXPECT_THROW(check_identifier("while"), ModelError);
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
