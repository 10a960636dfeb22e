// Runs the program as users do and looks at its exit code, what it says, and what it leaves behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "models/tflite_writer.h"
#include "tests/cli/outcome.h"
#include "tests/runtime/small_network.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

/// Each test has a folder of its own, the program's working directory, with a small network in it.
class Cli : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("octet_cli_" + std::to_string(getpid()) + "_" + test.name());
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    write_model("small.tflite", small_network());
    const std::vector<uint8_t> in = small_input(DataType::UInt8);
    write("in.bin", {in.begin(), in.end()});
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& contents) {
    std::ofstream(folder_ / name, std::ios::binary) << contents;
  }
  void write_model(const std::string& name, const Model& model) {
    const std::vector<std::byte> bytes = write_tflite(model);
    write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::string read(const std::string& name) const { return contents_of(folder_ / name); }

  /// What lies in the folder, besides what tests put there before.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  Outcome octet(const std::string& arguments) const {
    return run_in(folder_, OCTET_COMMAND " " + arguments, folder_.string());
  }

  Outcome expect_success(const std::string& arguments) const {
    const Outcome o = octet(arguments);
    EXPECT_EQ(o.code, 0) << arguments << "\n" << o.err;
    EXPECT_EQ(o.err, "") << arguments;
    return o;
  }

  /// Exit code 2, one line on standard error that has all of `words`, nothing on standard output, no file made or
  /// changed.
  void expect_refusal(const std::string& arguments, const std::vector<std::string>& words, int code = 2) const {
    const std::vector<std::string> before = files();
    const Outcome o = octet(arguments);
    EXPECT_EQ(o.code, code) << arguments << "\n" << o.err;
    EXPECT_EQ(o.out, "") << arguments;
    EXPECT_TRUE(o.err.starts_with("octet: ")) << arguments << "\n" << o.err;
    EXPECT_EQ(std::ranges::count(o.err, '\n'), 1) << arguments << "\n" << o.err;
    for (const std::string& word : words) {
      EXPECT_NE(o.err.find(word), std::string::npos) << arguments << "\n" << o.err << "lacks " << word;
    }
    EXPECT_EQ(files(), before) << arguments;
  }

 private:
  fs::path folder_;
};

std::string expected_output() {
  const std::vector<uint8_t> out = small_output(DataType::UInt8);
  return {out.begin(), out.end()};
}

bool has(const std::string& text, const std::string& word) { return text.find(word) != std::string::npos; }

/// A 2 x 2 BMP of 24 bits, white.
std::string small_bmp() {
  std::string b(54 + 16, '\0');
  const auto set = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) b[at + i] = static_cast<char>(value >> (8 * i));
  };
  b[0] = 'B', b[1] = 'M';
  set(2, static_cast<uint32_t>(b.size()));
  set(10, 54), set(14, 40), set(18, 2), set(22, 2), set(26, 1 | 24 << 16), set(34, 16);
  std::fill(b.begin() + 54, b.end(), '\xff');
  return b;
}

/// [1,2,2,3] of `type` seen as [1,12].
Model picture_network(DataType type) {
  ModelBuilder b("picture");
  const Quantization q = quantized(0.5f, 0);
  const int32_t in = b.input({"in", {1, 2, 2, 3}, type, q});
  const int32_t shape = b.constant<int32_t>("shape", {2}, {1, 12});
  b.output(b.op(OpCode::Reshape, {in, shape}, ReshapeOptions{{1, 12}}, {"out", {1, 12}, type, q}));
  return b.build();
}

TEST_F(Cli, HelpIsEverywhere) {
  for (const std::string command : {"", "inspect", "run", "bench", "count", "devices", "estimate", "eval", "zoo"}) {
    const Outcome o = expect_success(command + " --help");
    EXPECT_TRUE(has(o.out, "--help")) << o.out;
  }
  EXPECT_TRUE(has(expect_success("--version").out, "octet "));
}

TEST_F(Cli, WrongUsageIsRefused) {
  expect_refusal("", {"--help"});
  expect_refusal("frobnicate", {"frobnicate"});
  expect_refusal("--frobnicate", {"--frobnicate"});
  for (const std::string command : {"inspect", "run", "bench", "count", "estimate", "eval", "zoo"}) {
    expect_refusal(command, {"octet " + command + " --help"});
    expect_refusal(command + " small.tflite --frobnicate", {"--frobnicate"});
  }
  expect_refusal("run small.tflite --input in.bin --threads 0", {"--threads"});
  expect_refusal("run small.tflite --input in.bin --threads many", {"--threads"});
  expect_refusal("run small.tflite --input in.bin --target mmx", {"mmx"});
  expect_refusal("run small.tflite --input in.bin --no-pass nonsense", {"nonsense", "fuse_lookups"});
  expect_refusal("run small.tflite --input in.bin --image p.bmp", {"--image"});
  expect_refusal("bench small.tflite --runs 0", {"--runs"});
  expect_refusal("bench small.tflite --cpus 1-x", {"1-x"});
  expect_refusal("bench small.tflite --cpus 1023", {"--cpus 1023: there are "});
  for (const std::string option :
       {"bench small.tflite --min-time", "bench small.tflite --period-ms", "bench small.tflite --sustained",
        "bench --compare a.json b.json --min-change", "estimate small.tflite --frequency"})
    expect_refusal(option + " nan", {option.substr(option.rfind("--")), "not a number"});
  expect_refusal("count small.tflite --target mmx", {"mmx"});
  expect_refusal("estimate small.tflite --core 8086", {"8086", "cortex-a76"});
  expect_refusal("count small.tflite --arm64 no/such/octet", {});
}

TEST_F(Cli, BadModelsAreRefusedByEveryCommand) {
  write("empty.tflite", "");
  write("noise.tflite", std::string(1000, 'x'));
  write("cut.tflite", read("small.tflite").substr(0, 200));
  fs::create_directory(fs::path(testing::TempDir()) / "octet_cli_folder.tflite");
  const std::string folder = (fs::path(testing::TempDir()) / "octet_cli_folder.tflite").string();
  write("truth.csv", "a.jpg,1\n");
  for (const std::string& model : {std::string("missing.tflite"), std::string("empty.tflite"),
                                   std::string("noise.tflite"), std::string("cut.tflite"), folder}) {
    expect_refusal("inspect " + model, {model + ": "});
    expect_refusal("inspect --json " + model, {model + ": "});
    expect_refusal("run " + model + " --input in.bin --output x", {model + ": "});
    expect_refusal("bench " + model + " --json x.json", {model + ": "});
    expect_refusal("bench small.tflite " + model, {model + ": "});
    expect_refusal("eval " + model + " --images . --truth truth.csv", {model + ": "});
  }
  expect_refusal("inspect no_such_network", {"no_such_network", "zoo list"});
  expect_refusal("inspect zoo:no_such_network", {"no_such_network"});
  fs::remove(folder);
}

TEST_F(Cli, UnsupportedOperatorsAreListedAllAtOnce) {
  ModelBuilder b("odd");
  const int32_t in = b.input({"in", {1, 4}, DataType::Float32});
  const int32_t a = b.custom_op("MyOperator", {in}, {}, {{"a", {1, 4}, DataType::Float32}})[0];
  const int32_t c = b.custom_op("MyOperator", {a}, {}, {{"c", {1, 4}, DataType::Float32}})[0];
  b.output(b.op(OpCode::Tanh, {c}, {"d", {1, 4}, DataType::Float32}));
  write_model("odd.tflite", b.build());
  expect_refusal("inspect odd.tflite", {"odd.tflite: ", "MyOperator", "2 times", "TANH", "FLOAT32"});
}

TEST_F(Cli, InspectShowsLayersAndMemory) {
  const std::string text = expect_success("inspect small.tflite").out;
  for (const char* word : {"CONV_2D", "RELU", "RESHAPE", "1x2x2x4", "1x16", "arena", "packed weights", "UINT8"}) {
    EXPECT_TRUE(has(text, word)) << word << "\n" << text;
  }
  const auto json = nlohmann::json::parse(expect_success("inspect small.tflite --json").out);
  EXPECT_EQ(json["name"], "small");
  EXPECT_EQ(json["macs"], 64);
  EXPECT_EQ(json["parameters"], 20);
  // On Arm, where kernels take int8, a FLIP_SIGN comes first.
  const size_t first = json["layers"][0]["operator"] == "FLIP_SIGN" ? 1 : 0;
  EXPECT_EQ(json["layers"][first]["operator"], "CONV_2D");
  EXPECT_EQ(json["layers"][first]["packed_weight_bytes"], json["memory"]["packed_weight_bytes"]);
  EXPECT_EQ(json["inputs"][0]["shape"], (std::vector<int>{1, 2, 2, 4}));
  EXPECT_GE(json["memory"]["arena_bytes"], json["memory"]["arena_lower_bound_bytes"]);
}

TEST_F(Cli, NamesFromFilesCannotDriveTheTerminal) {
  Model model = small_network();
  for (Tensor& t : model.tensors) t.name = "a\x1b[2J\nb";
  write_model("evil.tflite", model);
  EXPECT_FALSE(has(expect_success("inspect evil.tflite").out, "\x1b"));
}

TEST_F(Cli, RunTakesRawTensors) {
  for (const std::string more : {"", " --threads 2", " --threads 9", " --no-pass fuse_lookups"}) {
    expect_success("run small.tflite --input in.bin --output result" + more);
    EXPECT_EQ(read("result.out0.bin"), expected_output()) << more;
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"in.bin", "result.out0.bin", "small.tflite"}));
  EXPECT_TRUE(has(expect_success("run small.tflite --input in.bin --top 3").out, "15"));
}

TEST_F(Cli, RunDumpsEveryTensor) {
  expect_success("run small.tflite --input in.bin --dump-all dump");
  const std::string index = read("dump.all.csv");
  EXPECT_TRUE(index.starts_with("tensor,type,dims,scale,zero_point,file\n")) << index;
  EXPECT_EQ(std::ranges::count(index, '\n'), 4) << index;
  std::vector<std::string> contents;
  for (const std::string& name : files()) {
    if (name.starts_with("dump.") && name.ends_with(".bin")) contents.push_back(read(name));
  }
  ASSERT_EQ(contents.size(), 3u);
  EXPECT_EQ(contents[0], read("in.bin"));
  EXPECT_EQ(contents[1], expected_output());
  EXPECT_EQ(contents[2], expected_output());
}

TEST_F(Cli, RunRefusesWrongInputs) {
  write("short.bin", "123");
  write("long.bin", std::string(17, 'x'));
  expect_refusal("run small.tflite --output x", {"small", "1 input", "0 given"});
  expect_refusal("run small.tflite --input in.bin --input in.bin --output x", {"1 input", "2 given"});
  expect_refusal("run small.tflite --input short.bin --output x", {"short.bin", "3 bytes", "16"});
  expect_refusal("run small.tflite --input long.bin --output x", {"long.bin", "17 bytes", "16"});
  expect_refusal("run small.tflite --input missing.bin --output x", {"missing.bin", "no such file"});
  expect_refusal("run small.tflite --input . --output x", {"directory"});
  expect_refusal("run small.tflite --input in.bin --labels missing.txt", {"missing.txt"});
}

TEST_F(Cli, OutputsThatCannotBeWrittenLeaveNothing) {
  expect_refusal("run small.tflite --input in.bin --output no/such/folder", {"no/such/folder"}, 1);
  expect_refusal("run small.tflite --input in.bin --output x --dump-all no/such/folder", {"no/such/folder"}, 1);
  expect_refusal("bench small.tflite --runs 1 --json no/such/folder.json", {"no/such/folder.json"}, 1);
  expect_refusal("zoo mobilenet_v1_0.25_128 -o no/such/x.tflite", {"no/such/x.tflite"}, 1);
  expect_refusal("compile small.tflite -o in.bin/x", {"in.bin/x: cannot be written"}, 1);
  expect_refusal("compile small.tflite -o new/folder --cxx /no/such/compiler", {"/no/such/compiler"});
}

TEST_F(Cli, RunTakesPictures) {
  write("p.bmp", small_bmp());
  write("labels.txt", "zero\none\ntwo\n");
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    write_model("picture.tflite", picture_network(type));
    const Outcome o = expect_success("run picture.tflite --image p.bmp --labels labels.txt --top 2 --output x");
    EXPECT_TRUE(has(o.out, "zero") && has(o.out, "one") && !has(o.out, "two")) << o.out;
    EXPECT_EQ(read("x.out0.bin"), std::string(12, type == DataType::UInt8 ? '\xff' : '\x7f'));
  }
}

TEST_F(Cli, UnreadablePicturesAreRefused) {
  write_model("picture.tflite", picture_network(DataType::UInt8));
  write("noise.jpg", "this is no picture");
  write("empty.png", "");
  write("cut.bmp", small_bmp().substr(0, 40));
  for (const std::string picture : {"noise.jpg", "empty.png", "cut.bmp", "missing.jpg", "."}) {
    expect_refusal("run picture.tflite --output x --image " + picture, {picture + ": "});
  }
  write("p.bmp", small_bmp());
  expect_refusal("run small.tflite --image p.bmp", {"small.tflite", "takes no picture"});
}

TEST_F(Cli, EvalCounts) {
  write_model("picture.tflite", picture_network(DataType::UInt8));
  write("p.bmp", small_bmp());  // all scores are equal: class 0 is first
  write("truth.csv", "file,class,reference\np.bmp,0,0\np.bmp,3,0\np.bmp,9,1\np.bmp,0,0\n");
  const std::string text = expect_success("eval picture.tflite --images . --truth truth.csv").out;
  EXPECT_TRUE(has(text, "(2 of 4)") && has(text, "50.0 %")) << text;
  EXPECT_TRUE(has(text, "(3 of 4)") && has(text, "75.0 %")) << text;
  write("bare.csv", "p.bmp,0\r\n\r\np.bmp,1\r\n");
  EXPECT_FALSE(has(expect_success("eval picture.tflite --images . --truth bare.csv").out, "agreement"));
}

TEST_F(Cli, EvalRefusesWrongTruths) {
  write_model("picture.tflite", picture_network(DataType::UInt8));
  write("p.bmp", small_bmp());
  write("bad.bmp", "no picture");
  const auto refuse = [&](const std::string& truth, const std::vector<std::string>& words) {
    write("truth.csv", truth);
    expect_refusal("eval picture.tflite --images . --truth truth.csv", words);
  };
  refuse("", {"truth.csv", "no pictures"});
  refuse("p.bmp,0\np.bmp\n", {"truth.csv", "line 2"});
  refuse("p.bmp,0\np.bmp,1,2,3\n", {"truth.csv", "line 2"});
  refuse("p.bmp,0\np.bmp,x\n", {"truth.csv", "line 2", "'x'"});
  refuse("p.bmp,12\n", {"truth.csv", "line 1", "12 classes"});
  refuse("missing.bmp,1\n", {"truth.csv", "missing.bmp"});
  refuse("bad.bmp,1\n", {"bad.bmp"});
  write("truth.csv", "p.bmp,0\n");
  expect_refusal("eval picture.tflite --images . --truth none.csv", {"none.csv"});
  expect_refusal("eval picture.tflite --images nowhere --truth truth.csv", {"nowhere"});
  expect_refusal("eval small.tflite --images . --truth truth.csv", {"small.tflite"});
}

TEST_F(Cli, BenchMeasuresAndWritesJson) {
  const Outcome o = expect_success("bench small.tflite --threads 1,2 --runs 7 --layers --json b.json");
  for (const char* word : {"min ms", "median ms", "p90 ms", "first ms", "GMAC/s", "% of peak", "kernel"}) {
    EXPECT_TRUE(has(o.out, word)) << word << "\n" << o.out;
  }
  const auto json = nlohmann::json::parse(read("b.json"));
  EXPECT_GT(json["context"]["num_cpus"], 0);
  EXPECT_GT(json["context"]["peak_gmacs"]["1"], 0);
  int samples = 0, minima = 0;
  for (const auto& entry : json["benchmarks"]) {
    if (entry["run_name"] != "small/threads:2") continue;
    samples += entry["run_type"] == "iteration";
    minima += entry["run_type"] == "aggregate" && entry["aggregate_name"] == "min";
    EXPECT_GT(entry["real_time"], 0);
    EXPECT_EQ(entry["time_unit"], "ms");
  }
  EXPECT_EQ(samples, 7);
  EXPECT_EQ(minima, 1);
  EXPECT_EQ(files(), (std::vector<std::string>{"b.json", "in.bin", "small.tflite"}));
}

/// Times in ms, as google-benchmark writes them.
std::string measurement(const std::string& name, const std::vector<double>& times, int64_t macs = 1000000) {
  nlohmann::json list = nlohmann::json::array();
  for (const double t : times) {
    list.push_back(
        {{"run_name", name}, {"run_type", "iteration"}, {"real_time", t}, {"time_unit", "ms"}, {"family_index", 0}});
  }
  list.push_back({{"run_name", name}, {"run_type", "aggregate"}, {"real_time", 1e9}, {"macs", macs}});
  return nlohmann::json{{"context", {{"cpu_name", "toaster"}}}, {"benchmarks", list}}.dump();
}

TEST_F(Cli, BenchComparesMeasurements) {
  std::vector<double> times, halves, shuffled;
  for (int i = 0; i < 30; ++i) {
    times.push_back(10 + 0.01 * i);
    halves.push_back(times.back() / 2);
    shuffled.push_back(10 + 0.01 * (i * 7 % 30));
  }
  write("a.json", measurement("net/threads:1", times));
  write("half.json", measurement("net/threads:1", halves));
  write("same.json", measurement("net/threads:1", shuffled));
  const auto verdict_of = [&](const std::string& files, const std::string& options = "") {
    const std::string out = expect_success("bench --compare " + files + options).out;
    EXPECT_TRUE(has(out, "net/threads:1")) << out;
    EXPECT_TRUE(has(out, "toaster")) << out;
    for (const char* verdict : {"  faster", "  slower", "no difference"}) {
      if (has(out, verdict)) return std::string(verdict);
    }
    return out;
  };
  EXPECT_EQ(verdict_of("a.json half.json"), "  faster");
  EXPECT_EQ(verdict_of("half.json a.json"), "  slower");
  EXPECT_EQ(verdict_of("a.json same.json"), "no difference");
  EXPECT_EQ(verdict_of("a.json half.json", " --min-change 60"), "no difference");
  EXPECT_TRUE(has(expect_success("bench --compare a.json half.json").out, "0.500"));

  auto slow = nlohmann::json::parse(read("same.json"));
  for (const double peak : {80, 70}) {
    slow["context"]["peak_gmacs"]["1"] = peak;
    write(peak == 80 ? "fast.json" : "slow.json", slow.dump());
  }
  EXPECT_TRUE(has(expect_success("bench --compare fast.json slow.json").out, "80.0 GMAC/s for A, 70.0 for B"));
  EXPECT_FALSE(has(expect_success("bench --compare fast.json fast.json").out, "note:"));
}

TEST_F(Cli, BenchComparesLayersByName) {
  expect_success("bench small.tflite --runs 6 --layers --json a.json --no-peak");
  auto json = nlohmann::json::parse(read("a.json"));
  for (auto& entry : json["benchmarks"]) {  // one layer, renumbered, is three times as slow; another is gone
    if (entry["run_name"] == "small/threads:1/layer:0") entry["run_name"] = "small/threads:1/layer:7";
    if (entry["run_name"] == "small/threads:1/layer:7") entry["real_time"] = entry["real_time"].get<double>() * 30;
    if (entry["run_name"] == "small/threads:1/layer:1") entry["layer"] = "NEW layer";
  }
  write("b.json", json.dump());
  const std::string out = expect_success("bench --compare a.json b.json").out;
  EXPECT_TRUE(has(out, "30.000")) << out;
  EXPECT_TRUE(has(out, "only in b.json: small/threads:1/layer:NEW layer")) << out;
  EXPECT_TRUE(has(out, "only in a.json: small/threads:1/layer:")) << out;
}

TEST_F(Cli, BenchRefusesWhatCannotBeCompared) {
  const std::vector<double> times = {1, 2, 3, 4, 5, 6};
  write("a.json", measurement("net/threads:1", times));
  write("other.json", measurement("other/threads:1", times));
  write("bigger.json", measurement("net/threads:1", times, 2000000));
  write("few.json", measurement("net/threads:1", {1, 2}));
  write("empty.json", R"({"benchmarks": []})");
  write("list.json", "[1, 2]");
  write("strings.json", R"({"benchmarks": [{"run_name": 7}]})");
  write("text.json", "not JSON\n");
  auto twice = nlohmann::json::parse(measurement("net/threads:1", times));
  for (auto entry : nlohmann::json(twice["benchmarks"])) {
    entry["family_index"] = 1;
    twice["benchmarks"].push_back(entry);
  }
  write("twice.json", twice.dump());
  expect_refusal("bench --compare a.json", {"--compare"});
  expect_refusal("bench --compare a.json none.json", {"none.json: no such file"});
  expect_refusal("bench --compare a.json text.json", {"text.json: not JSON"});
  for (const std::string file : {"list.json", "strings.json"})
    expect_refusal("bench --compare " + file + " a.json", {file + ": not the JSON of"});
  expect_refusal("bench --compare empty.json a.json", {"empty.json", "no benchmarks"});
  expect_refusal("bench --compare a.json few.json", {"few.json", "2 samples", "at least 5"});
  expect_refusal("bench --compare a.json other.json", {"other.json", "net/threads:1", "other/threads:1"});
  expect_refusal("bench --compare a.json bigger.json", {"bigger.json", "1.00 MMAC", "2.00 MMAC"});
  expect_refusal("bench --compare a.json twice.json", {"twice.json", "occurs twice"});
  expect_refusal("bench small.tflite --compare a.json a.json", {"--compare"});
  expect_refusal("bench", {"MODEL"});
}

TEST_F(Cli, BenchForInstructionCounters) {
  const Outcome o = expect_success("bench small.tflite --warmup 0 --runs 1 --json b.json");
  EXPECT_FALSE(has(o.out, "; peak")) << o.out;
  const auto json = nlohmann::json::parse(read("b.json"));
  EXPECT_TRUE(json["context"]["peak_gmacs"].empty());
}

TEST_F(Cli, ZooListsAndWrites) {
  const std::string list = expect_success("zoo list").out;
  for (const char* name : {"mobilenet_v1_0.25_128", "mobilenet_v2_1.4_224", "resnet152", "inception_v3"}) {
    EXPECT_TRUE(has(list, name)) << name;
  }
  for (const std::string type : {"int8", "uint8"}) {
    expect_success("zoo mobilenet_v1_0.25_128 --type " + type + " -o zoo.tflite");
    EXPECT_TRUE(has(expect_success("inspect zoo.tflite").out, type == "int8" ? "INT8" : "UINT8"));
  }
  EXPECT_TRUE(has(expect_success("inspect zoo:mobilenet_v1_0.25_128 --type uint8").out, "UINT8"));
  expect_refusal("zoo mobilenet_v1_0.25_128", {"-o"});
  expect_refusal("zoo no_such_network -o x.tflite", {"no_such_network"});
  expect_refusal("zoo mobilenet_v1_0.25_128 --type int4 -o x.tflite", {"--type"});
}

TEST_F(Cli, CompileRefusesWhatIsWrongInOneLineAndWritesNothing) {
  const std::vector<std::string> before = files();
  expect_refusal("compile missing.tflite -o out", {"missing.tflite: no such file"});
  expect_refusal("compile in.bin -o out", {"in.bin"});
  expect_refusal("compile small.tflite", {"--output"});
  expect_refusal("compile small.tflite -o out --target arm-32-linux", {"--target arm-32-linux: unknown (there are"});
#if defined(__aarch64__)
  const std::string foreign = "avx2";
#else
  const std::string foreign = "neon";
#endif
  expect_refusal("compile small.tflite -o out --features " + foreign, {"--features " + foreign + ": unknown for"});
  expect_refusal("compile small.tflite -o out --name a-b", {"--name a-b: must be a name that C and C++ take"});
  expect_refusal("compile small.tflite -o out --cxx no-such-compiler", {"no-such-compiler"});
  expect_refusal("compile small.tflite -o out --emit html", {"--emit", "stmt", "asm", "schedule"});
  expect_refusal("compile small.tflite -o out --profile", {"--profile", "--emit"});
  for (const std::string bytes : {"none", "0", "-1", "1.5K", "1T", "99999999999999999999"})
    expect_refusal("compile small.tflite -o out --fuse-blocks=" + bytes, {"--fuse-blocks=" + bytes + ": must be"});
  expect_refusal("bench small.tflite --compiled --fuse-blocks=x", {"--fuse-blocks=x: must be"});
  expect_refusal("bench small.tflite --fuse-blocks", {"--fuse-blocks", "--compiled"});
  EXPECT_EQ(files(), before);
}

#ifdef OCTET_LAB
bool has(const Outcome& o, const std::string& word) { return o.out.find(word) != std::string::npos; }

TEST_F(Cli, LabComparesAChangedKernel) {
  const Outcome o = expect_success("lab small.tflite --layer 0 --target sse41 --set pixels=3,vectors=1 --min-time 0");
  EXPECT_TRUE(has(o, "bytes equal the present kernel's and the scalar reference's")) << o.out;
  EXPECT_TRUE(
      has(o, "{\"conv_sum_i16_x3c1_sse41\", Family::ConvolutionSum, Target::Sse41, {.pixels = 3, .vectors = 1}},"))
      << o.out;
  EXPECT_TRUE(has(o, "times as fast")) << o.out;
}

TEST_F(Cli, LabComparesAllKernelsOfADepthwiseLayer) {
  const Outcome o = expect_success(
      "lab mobilenet_v1_0.25_128 --type uint8 --layer 5 --target sse41 --set pixels=2,rows=1 --min-time 0");
  EXPECT_TRUE(has(o, "bytes equal the present kernel's and the scalar reference's")) << o.out;
  EXPECT_TRUE(has(o, "depthwise_u8_3x3s1_x2_r1_sse41")) << o.out;
}

TEST_F(Cli, LabSaysWhatThereIsToChange) {
  const Outcome o = expect_success("lab small.tflite --layer 0 --target sse41 --min-time 0");
  EXPECT_TRUE(has(o, "to change: --set pixels (1 to 32), vectors (1 to 16), step (2, 4, 8, 16)")) << o.out;
}

TEST_F(Cli, LabRefusesWhatCannotBe) {
  const std::string lab = "lab small.tflite --target sse41 --layer 0 --set ";
  expect_refusal(lab + "tile_x=2",
                 {"--set tile_x=2", "no parameter 'tile_x'", "pixels (1 to 32)", "vectors (1 to 16)"});
  expect_refusal(lab + "pixels=33", {"--set pixels=33", "1 to 32"});
  expect_refusal(lab + "step=3", {"2, 4, 8, 16"});
  expect_refusal(lab + "pixels=32,vectors=16", {"pixels x vectors is 512", "64 at most"});
  expect_refusal("lab small.tflite --layer 9", {"--layer 9", "0 to"});
  expect_refusal("lab small.tflite --layer -1", {"--layer", "-1"});
  expect_refusal("lab small.tflite --layer 0 --min-time nan", {"--min-time", "not a number"});
  expect_refusal("lab small.tflite", {"--layer"});
}
#endif

}  // namespace
}  // namespace octet
