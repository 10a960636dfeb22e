// The examples as a new user meets them: CMake's own lines, and what the apps print.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "cli/load.h"
#include "cli/measure.h"
#include "tests/cli/outcome.h"
#include "tests/data.h"

namespace octet {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// A picture of just the network's size, as a BMP file of 24 bits a pixel; its bytes are the network's input.
void write_bmp(const fs::path& path, int size, std::span<const std::byte> rgb) {
  const int row = (size * 3 + 3) / 4 * 4;
  std::string file(54, '\0');
  const auto put = [&](size_t at, int value, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) file[at + i] = static_cast<char>(value >> (8 * i));
  };
  file[0] = 'B', file[1] = 'M';
  put(2, 54 + row * size, 4), put(10, 54, 4), put(14, 40, 4), put(18, size, 4), put(22, size, 4);
  put(26, 1, 2), put(28, 24, 2), put(34, row * size, 4);
  for (int y = size - 1; y >= 0; --y) {
    std::string line(static_cast<size_t>(row), '\0');
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < 3; ++c)
        line[static_cast<size_t>(x * 3 + 2 - c)] = static_cast<char>(rgb[static_cast<size_t>((y * size + x) * 3 + c)]);
    file += line;
  }
  std::ofstream(path, std::ios::binary) << file;
}

/// What the apps are to print: classes and scores, by a session.
std::string best_five(std::span<const std::byte> scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::string text;
  for (size_t i = 0; i < 5; ++i)
    text += std::to_string(order[i]) + " " + std::to_string(static_cast<int>(scores[order[i]])) + "\n";
  return text;
}

class Examples : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(OCTET_BUILD) / "tests/examples/work";
    fs::create_directories(folder_);
    // The model is there once the build has made it.
    run(std::string(OCTET_CMAKE) + " --build " + quoted(OCTET_BUILD) + " --target classify_c classify_cpp");
    const Model model = cli::load_model(OCTET_EXAMPLE_MODEL, {});
    Session session(Plan::make(model));
    cli::fill_inputs(session);
    const auto data = data_folder();
    if (data && fs::path(OCTET_EXAMPLE_MODEL).stem() == "mobilenet_v1_0.25_128_quant") {
      // A real picture of a real network.
      for (const RecordedCase& recorded : network_cases()) {
        if (!recorded.name.starts_with("mobilenet_v1_0.25_128_quant.img")) continue;
        std::ranges::copy(recorded_inputs(recorded)[0], session.input(0).begin());
        break;
      }
    }
    session.run();
    expected_ = best_five(session.output(0));
    write_bmp(picture(), session.plan().inputs()[0].shape[1], session.input(0));
  }

  fs::path picture() const { return folder_ / "picture.bmp"; }
  const std::string& expected() const { return expected_; }

  Outcome run(const std::string& command) const {
    const Outcome outcome = run_in(folder_, command, (folder_ / "output").string());
    EXPECT_EQ(outcome.code, 0) << command << "\n" << outcome.out << outcome.err;
    return outcome;
  }

  /// Configures and builds an example by itself; returns its program.
  fs::path build(const std::string& example, const std::string& name, const std::string& options) const {
    const fs::path folder = folder_ / name;
    fs::remove_all(folder);
    run(std::string(OCTET_CMAKE) + " -G Ninja -S " + quoted(fs::path(OCTET_EXAMPLES) / example) + " -B " +
        quoted(folder) + " -DOctet_DIR=" + quoted(OCTET_PACKAGE) + " -DMODEL=" + quoted(OCTET_EXAMPLE_MODEL) + " " +
        options);
    const std::string make = std::string(OCTET_CMAKE) + " --build " + quoted(folder);
    run(make);
    EXPECT_NE(run(make).out.find("no work to do"), std::string::npos);
    return folder / example;
  }

  fs::path folder_;

 private:
  std::string expected_;
};

TEST_F(Examples, WithinOctetsBuild) {
  for (const char* const app : {"classify_c", "classify_cpp"})
    EXPECT_EQ(run(quoted(fs::path(OCTET_BUILD) / "bin" / app) + " " + quoted(picture())).out, expected()) << app;
}

TEST_F(Examples, AgainstTheInstalledPackage) {
  for (const char* const app : {"classify_c", "classify_cpp"}) {
    const fs::path program = build(app, app, "-DOCTET_MODEL_TARGETS=" OCTET_EXAMPLE_TARGETS);
    EXPECT_EQ(run(quoted(program) + " " + quoted(picture())).out, expected()) << app;
    EXPECT_NE(std::system((quoted(program) + " nothing.bmp 2> /dev/null").c_str()), 0);
  }
}

TEST_F(Examples, InBandsOfRows) {
  const auto layers_of = [&](const std::string& name, const std::string& options) {
    const fs::path program = build("classify_c", name, "-DOCTET_MODEL_TARGETS=" OCTET_EXAMPLE_TARGETS " " + options);
    EXPECT_EQ(run(quoted(program) + " " + quoted(picture())).out, expected()) << name;
    std::ifstream header(folder_ / name / "octet/mobilenet/mobilenet.h");
    for (std::string word; header >> word;)
      if (int layers = 0; word == "MOBILENET_LAYERS" && header >> layers) return layers;
    return 0;
  };
  EXPECT_LT(layers_of("bands", "-DOCTET_MODEL_FUSE_BLOCKS=16K"), layers_of("apart", ""));
}

TEST_F(Examples, On64BitArm) {
  for (const char* const tool : {"aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "qemu-aarch64"}) {
    if (std::system((std::string(tool) + " --version > /dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "no " << tool;
  }
  const fs::path program =
      build("classify_c", "arm64", "-DOCTET_MODEL_TARGETS=dotprod -DCMAKE_TOOLCHAIN_FILE=" OCTET_ARM64_TOOLCHAIN);
  EXPECT_EQ(run("qemu-aarch64 -cpu cortex-a76 " + quoted(program) + " " + quoted(picture())).out, expected());
}

TEST_F(Examples, MistakesAreSaidInOneLine) {
  const auto configure = [&](const std::string& options) {
    const fs::path folder = folder_ / "mistake";
    fs::remove_all(folder);
    const Outcome outcome =
        run_in(folder_,
               std::string(OCTET_CMAKE) + " -G Ninja -S " + quoted(fs::path(OCTET_EXAMPLES) / "classify_c") + " -B " +
                   quoted(folder) + " -DOctet_DIR=" + quoted(OCTET_PACKAGE) + " " + options,
               (folder_ / "output").string());
    EXPECT_NE(outcome.code, 0);
    return outcome.err;
  };
  EXPECT_NE(configure("-DMODEL=nothing.tflite").find("nothing.tflite: no such file"), std::string::npos);
  EXPECT_NE(configure("").find("MODEL <file.tflite> is missing"), std::string::npos);
  EXPECT_NE(configure("-DMODEL=" + quoted(OCTET_EXAMPLE_MODEL) + " -DOCTET_MODEL_FUSE_BLOCKS=much")
                .find("FUSE_BLOCKS much: must be a cache's size"),
            std::string::npos);
}

}  // namespace
}  // namespace octet
