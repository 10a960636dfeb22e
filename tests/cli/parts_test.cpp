// The command line's parts that can be tested without running it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/classes.h"
#include "cli/image.h"
#include "cli/machine.h"
#include "cli/measure.h"
#include "cli/stats.h"
#include "cli/table.h"
#include "system/files.h"
#ifdef OCTET_LAB
#include "cli/scalar_check.h"
#include "schedules/tuning.h"
#include "tests/runtime/small_network.h"
#endif

namespace octet::cli {
namespace {

TEST(Stats, OrderStatisticsInterpolate) {
  const std::vector<double> samples = {4, 1, 3, 2};
  const Summary s = summarize(samples);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.median, 2.5);
  EXPECT_NEAR(s.p90, 3.7, 1e-12);
  EXPECT_EQ(s.mean, 2.5);
  EXPECT_NEAR(s.standard_deviation, 1.2909944, 1e-6);
  const Summary one = summarize(std::vector<double>{7});
  EXPECT_EQ(one.min, 7);
  EXPECT_EQ(one.median, 7);
  EXPECT_EQ(one.p90, 7);
  EXPECT_EQ(one.standard_deviation, 0);
}

TEST(Stats, MannWhitneyIsExactForFewSamplesWithoutTies) {
  const std::vector<double> low = {1, 2, 3, 4}, high = {5, 6, 7, 8};
  EXPECT_EQ(mann_whitney(low, high).u, 16);
  EXPECT_NEAR(mann_whitney(low, high).p, 2 / 70.0, 1e-12);
  EXPECT_EQ(mann_whitney(high, low).u, 0);
  EXPECT_NEAR(mann_whitney(high, low).p, 2 / 70.0, 1e-12);
  // The example of SciPy's manual.
  const std::vector<double> women = {20, 11, 17, 12}, men = {19, 22, 16, 29, 24};
  EXPECT_EQ(mann_whitney(women, men).u, 17);
  EXPECT_NEAR(mann_whitney(women, men).p, 1 / 9.0, 1e-12);
  EXPECT_EQ(mann_whitney(std::vector<double>{1, 4}, std::vector<double>{2, 3}).p, 1);
}

TEST(Stats, MannWhitneyCorrectsForTies) {
  // Ozone over New York in May and in August 1973, the example of R's manual: W = 127.5, p = 0.0001208.
  const std::vector<double> may = {41, 36, 12, 18, 28, 23, 19, 8, 7,  16, 11, 14,  18,
                                   14, 34, 6,  30, 11, 1,  11, 4, 32, 23, 45, 115, 37};
  const std::vector<double> august = {39, 9,  16, 78, 35, 66, 122, 89,  110, 44, 28,  65, 22,
                                      59, 23, 31, 44, 21, 9,  45,  168, 73,  76, 118, 84, 85};
  EXPECT_EQ(mann_whitney(august, may).u, 127.5);
  EXPECT_NEAR(mann_whitney(august, may).p, 0.0001208, 5e-8);
  EXPECT_NEAR(mann_whitney(may, august).p, 0.0001208, 5e-8);
  const std::vector<double> same = {3, 3, 3};
  EXPECT_EQ(mann_whitney(same, same).u, 4.5);
  EXPECT_EQ(mann_whitney(same, same).p, 1);
}

TEST(Stats, MannWhitneyCountsTwentySamplesAndApproximatesMore) {
  std::vector<double> a, b;
  for (int i = 0; i < 20; ++i) a.push_back(i), b.push_back(i + 5.5);
  EXPECT_NEAR(mann_whitney(a, b).p, 0.009483607191, 1e-11);  // counted by another program
  a.push_back(20), b.push_back(25.5);
  EXPECT_EQ(mann_whitney(a, b).u, 321);
  EXPECT_NEAR(mann_whitney(a, b).p, 0.011883872, 1e-8);  // z = (100.5 - 0.5) / sqrt(21 * 21 * 43 / 12); exact: 0.0108
}

TEST(Stats, HolmMultipliesTheSmallestMost) {
  const std::vector<double> p = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  ASSERT_EQ(p.size(), 4u);
  EXPECT_NEAR(p[0], 0.03, 1e-12);
  EXPECT_NEAR(p[1], 0.06, 1e-12);  // not below the one before it
  EXPECT_NEAR(p[2], 0.06, 1e-12);
  EXPECT_NEAR(p[3], 0.02, 1e-12);
  EXPECT_EQ(holm(std::vector<double>{0.7, 0.9})[0], 1);
}

TEST(Table, AlignsNumbersRightAndWordsLeft) {
  Table table;
  table.column("name", Table::Align::Left);
  table.column("ms");
  table.row({"a", "1.5"});
  table.row({"longer", "12.25"});
  EXPECT_EQ(table.text(),
            "name       ms\n"
            "------  -----\n"
            "a         1.5\n"
            "longer  12.25\n");
}

TEST(Table, NumbersAreReadable) {
  EXPECT_EQ(in_millions(569320000), "569.32");
  EXPECT_EQ(in_bytes(100), "100 B");
  EXPECT_EQ(in_bytes(1536), "1.5 KiB");
  EXPECT_EQ(in_bytes(int64_t{5} << 20), "5.00 MiB");
  EXPECT_EQ(in_digits(0.08344), "0.0834");
  EXPECT_EQ(in_digits(5.1234), "5.123");
  EXPECT_EQ(in_digits(1234.5), "1234");
  EXPECT_EQ(in_percent(0.87), "87.0 %");
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a?b?[31m");
}

TEST(Table, LongNamesKeepWhatTellsThemApart) {
  EXPECT_EQ(short_name("a/b;a/c;d"), "a/b");
  EXPECT_EQ(short_name("a\nb"), "a?b");
  const std::string name = short_name(std::string(100, 'x') + "/Relu6");
  EXPECT_EQ(name.size(), 48u);
  EXPECT_TRUE(name.starts_with("...x") && name.ends_with("/Relu6")) << name;
}

TEST(Machine, CpuListsRoundTrip) {
  EXPECT_EQ(parse_cpu_list("0,2-4,7"), (std::vector<int>{0, 2, 3, 4, 7}));
  EXPECT_EQ(parse_cpu_list("3,1,1"), (std::vector<int>{1, 3}));
  EXPECT_EQ(to_cpu_list({0, 2, 3, 4, 7}), "0,2-4,7");
  for (const char* bad : {"", "a", "1,", "-1", "1-", "1;2", "99999999999"}) {
    EXPECT_THROW(parse_cpu_list(bad), ModelError) << bad;
  }
}

TEST(Machine, PinningSaysWhatItObtained) {
  const std::vector<int> all = allowed_cpus();
  ASSERT_FALSE(all.empty());
  const std::vector<int> one = preferred_cpus(1);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(pin_to(one), one);
  EXPECT_EQ(pin_to(all), all);
  EXPECT_EQ(pin_to({1023}), all) << "no such CPU: the affinity stays";
}

TEST(Measure, SubjectsTakeTurns) {
  std::string runs;
  const auto subject = [&](char name) {
    return Subject{[&runs, name] { runs += name; },
                   [&runs, name](const std::function<void(size_t)>& after) {
                     runs += {name, 's'};
                     after(0);
                   },
                   1};
  };
  size_t samples = 0;
  const std::vector<Timing> timings = measure(
      {subject('a'), subject('b')}, {.warmup = 2, .runs = 3}, /*layers=*/true, Sensors({}, {}),
      [&](const Sample&) { ++samples; }, [&] { runs += '|'; });
  EXPECT_EQ(runs,
            "ab"
            "ab"
            "ab|ab|ab|"
            "asbs|asbs|asbs|");
  EXPECT_EQ(samples, 6);
  ASSERT_EQ(timings.size(), 2);
  for (const Timing& timing : timings) {
    EXPECT_EQ(timing.samples.size(), 3);
    ASSERT_EQ(timing.layers.size(), 1);
    EXPECT_EQ(timing.layers[0].size(), 3);
  }
}

TEST(Outputs, AppearOnCommitOnly) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "octet_outputs_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  {
    Outputs outputs;
    outputs.write(folder / "a", "dropped");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  {
    Outputs outputs;
    outputs.reserve(folder / "a");
    outputs.write(folder / "a", "kept");
    outputs.write(folder / "b", "kept too");
    outputs.commit();
  }
  EXPECT_EQ(read_lines(folder / "a"), std::vector<std::string>{"kept"});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
  Outputs outputs;
  EXPECT_THROW(outputs.reserve(folder / "no" / "such"), std::runtime_error);
  EXPECT_THROW(outputs.reserve(folder), std::runtime_error);
  {
    Outputs dropped;
    dropped.reserve_folder(folder / "c" / "d");
    EXPECT_TRUE(std::filesystem::is_directory(folder / "c" / "d"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "c"));
  Outputs kept;
  kept.reserve_folder(folder / "c" / "d");
  kept.write(folder / "c" / "d" / "e", "kept");
  kept.commit();
  EXPECT_EQ(read_lines(folder / "c" / "d" / "e"), std::vector<std::string>{"kept"});
  EXPECT_THROW(kept.reserve_folder(folder / "a" / "b"), std::runtime_error) << "a is a file";
  std::filesystem::remove_all(folder);
}

TEST(Files, LinesLoseTheirEnds) {
  const auto path = std::filesystem::path(testing::TempDir()) / "octet_lines_test";
  std::ofstream(path, std::ios::binary) << "a\r\nb\n\nlast";
  EXPECT_EQ(read_lines(path), (std::vector<std::string>{"a", "b", "", "last"}));
  std::filesystem::remove(path);
  EXPECT_THROW(read_bytes(path), ModelError);
  EXPECT_THROW(read_bytes(testing::TempDir()), ModelError);
}

Image flat(int width, int height, uint8_t value) {
  return {width, height, std::vector<uint8_t>(static_cast<size_t>(width * height) * 3, value)};
}

TEST(Image, FlatPicturesStayFlatAtAnySize) {
  for (const auto& [w, h] : {std::pair(1, 1), {2, 3}, {256, 256}, {640, 480}, {31, 500}}) {
    for (const auto& [to_w, to_h] : {std::pair(1, 1), {128, 128}, {224, 224}, {32, 96}}) {
      const Image fitted = fit(flat(w, h, 77), to_w, to_h);
      EXPECT_EQ(fitted.width, to_w);
      EXPECT_EQ(fitted.height, to_h);
      ASSERT_EQ(fitted.rgb.size(), static_cast<size_t>(to_w * to_h) * 3);
      EXPECT_TRUE(std::ranges::all_of(fitted.rgb, [](uint8_t v) { return v == 77; })) << w << "x" << h;
    }
  }
}

TEST(Image, TheCentreOf256IsSeenAsItIs) {
  Image image = flat(300, 256, 0);
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 300; ++x) {
      uint8_t* const pixel = &image.rgb[static_cast<size_t>(3 * (y * 300 + x))];
      pixel[0] = static_cast<uint8_t>(x);
      pixel[1] = static_cast<uint8_t>(y);
      pixel[2] = static_cast<uint8_t>(x ^ y);
    }
  }
  const Image seen = fit(image, 224, 224);
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      const uint8_t* const pixel = &seen.rgb[static_cast<size_t>(3 * (y * 224 + x))];
      ASSERT_EQ(pixel[0], static_cast<uint8_t>(x + 38));
      ASSERT_EQ(pixel[1], static_cast<uint8_t>(y + 16));
      ASSERT_EQ(pixel[2], static_cast<uint8_t>((x + 38) ^ (y + 16)));
    }
  }
}

TEST(Image, ShrinkingAverages) {
  // Columns of black and white, one pixel wide: two-tap sampling would see stripes, an average sees grey.
  Image image = flat(256, 256, 0);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = i / 3 % 2 == 0 ? 0 : 255;
  const Image seen = fit(image, 28, 28);
  for (const uint8_t v : seen.rgb) EXPECT_NEAR(v, 127, 6);
}

TensorInfo picture_input(DataType type, int32_t channels) {
  const size_t bytes = static_cast<size_t>(4 * channels) * size_of(type);
  return {"in", type, {1, 2, 2, channels}, {}, bytes};
}

TEST(Image, InputsTakeTheBytesAsTheirTypeWants) {
  const Image image = flat(8, 8, 200);
  std::vector<std::byte> bytes(12);
  fill_input(image, picture_input(DataType::UInt8, 3), bytes);
  EXPECT_EQ(bytes[0], std::byte{200});
  fill_input(image, picture_input(DataType::Int8, 3), bytes);
  EXPECT_EQ(static_cast<int8_t>(bytes[0]), 200 - 128);
  std::vector<std::byte> grey(4);
  fill_input(image, picture_input(DataType::UInt8, 1), grey);
  EXPECT_EQ(grey[3], std::byte{200});
  std::vector<std::byte> floats(48);
  fill_input(image, picture_input(DataType::Float32, 3), floats);
  float value = 0;
  std::memcpy(&value, floats.data(), sizeof value);
  EXPECT_NEAR(value, 200 / 127.5 - 1, 1e-6);
  EXPECT_THROW(require_picture_input(picture_input(DataType::UInt8, 2)), ModelError);
  EXPECT_THROW(require_picture_input(picture_input(DataType::Int64, 3)), ModelError);
}

TEST(Classes, RankByScoreThenIndex) {
  const TensorInfo output{"out", DataType::UInt8, {1, 5}, {{0.5f}, {10}, 0}, 5};
  const std::vector<std::byte> bytes = {std::byte{3}, std::byte{9}, std::byte{200}, std::byte{9}, std::byte{0}};
  ASSERT_TRUE(is_class_list(output));
  const std::vector<Class> top = top_classes(output, bytes, 3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].index, 2u);
  EXPECT_EQ(top[0].score, 95.0f);
  EXPECT_EQ(top[1].index, 1u);
  EXPECT_EQ(top[2].index, 3u);
  EXPECT_EQ(top_classes(output, bytes, 100).size(), 5u);
  EXPECT_FALSE(is_class_list({"out", DataType::UInt8, {1, 4, 4, 5}, {}, 80}));
  EXPECT_FALSE(is_class_list({"out", DataType::Int64, {1, 5}, {}, 40}));
}

#ifdef OCTET_LAB
TEST(ScalarCheck, TellsRightFromWrong) {
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    const Model model = small_network(type);
    Session session(Plan::make(model, {.keep_all = true}));
    fill_inputs(session);
    session.run();
    Model other = model;  // by whose weights the session's results are wrong
    const std::vector<std::byte> weights(16, std::byte{1});
    for (Tensor& tensor : other.tensors) {
      if (tensor.name == "filter") tensor.data = weights;
    }
    size_t checked = 0;
    for (size_t step = 0; step < session.plan().steps().size(); ++step) {
      if (!session.plan().steps()[step].layer.starts_with("CONV_2D")) continue;
      bool told = false;
      EXPECT_EQ(differs_from_scalar(model, session, step, told), "");
      EXPECT_TRUE(told);
      EXPECT_NE(differs_from_scalar(other, session, step, told).find("is "), std::string::npos);
      EXPECT_TRUE(told);
      ++checked;
    }
    EXPECT_EQ(checked, 1);
  }
}

TEST(Tuning, KernelsAreToldByTheirNumbers) {
  for (const KernelInfo& kernel : kManifest) {
    const std::vector<Parameter> parameters = parameters_of(kernel);
    if (parameters.empty()) continue;
    EXPECT_EQ(find_same(kernel), &kernel) << kernel.name;
    EXPECT_EQ(trouble_with(kernel), "") << kernel.name;
    EXPECT_NE(manifest_line(kernel).find("\"" + std::string(kernel.name) + "\""), std::string::npos);
    for (const Parameter& parameter : parameters) {
      const int8_t value = kernel.schedule.*parameter.field;
      EXPECT_TRUE(value == 0 || parameter.allows(value)) << kernel.name << " " << parameter.name;
      KernelInfo changed = kernel;
      for (const int other : parameter.values) {
        changed.schedule.*parameter.field = static_cast<int8_t>(other);
        if (find_same(changed) == &kernel) continue;
        EXPECT_NE(name_for(changed), name_for(kernel)) << kernel.name;
      }
    }
  }
}
#endif

}  // namespace
}  // namespace octet::cli
