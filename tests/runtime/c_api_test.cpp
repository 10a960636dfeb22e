#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "models/tflite_writer.h"
#include "runtime/octet.h"
#include "tests/runtime/small_network.h"

namespace octet {
namespace {

/// Frees what it holds; the tests see plain C pointers.
struct Handles {
  octet_model* model = nullptr;
  octet_session* session = nullptr;

  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    octet_session_free(session);
    octet_model_free(model);
  }
};

std::vector<std::byte> file_bytes(DataType type = DataType::UInt8) { return write_tflite(small_network(type)); }

void load(Handles& h, DataType type = DataType::UInt8) {
  const std::vector<std::byte> bytes = file_bytes(type);
  ASSERT_EQ(octet_model_load_memory(bytes.data(), bytes.size(), "small", &h.model), OCTET_OK) << octet_last_error();
}

void expect_right_results(octet_session* session, DataType type) {
  const std::vector<uint8_t> in = small_input(type), out = small_output(type);
  std::memcpy(octet_input_data(session, 0), in.data(), in.size());
  ASSERT_EQ(octet_run(session), OCTET_OK) << octet_last_error();
  EXPECT_EQ(std::memcmp(octet_output_data(session, 0), out.data(), out.size()), 0);
}

TEST(CApi, LoadsPreparesRuns) {
  for (const DataType type : {DataType::UInt8, DataType::Int8}) {
    Handles h;
    load(h, type);
    ASSERT_EQ(octet_session_create(h.model, nullptr, &h.session), OCTET_OK) << octet_last_error();
    octet_model_free(h.model);
    h.model = nullptr;
    expect_right_results(h.session, type);
  }
}

TEST(CApi, LoadsFiles) {
  const std::string path = testing::TempDir() + "c_api_test.tflite";
  const std::vector<std::byte> bytes = file_bytes();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  Handles h;
  EXPECT_EQ(octet_model_load(path.c_str(), &h.model), OCTET_OK) << octet_last_error();
  EXPECT_NE(h.model, nullptr);
  std::remove(path.c_str());
}

TEST(CApi, DescribesTensors) {
  Handles h;
  load(h);
  const octet_options options = {"auto", 2};
  ASSERT_EQ(octet_session_create(h.model, &options, &h.session), OCTET_OK);
  EXPECT_EQ(octet_input_count(h.session), 1u);
  EXPECT_EQ(octet_output_count(h.session), 1u);
  octet_tensor_info info;
  ASSERT_EQ(octet_output_info(h.session, 0, &info), OCTET_OK);
  EXPECT_STREQ(info.name, "out");
  EXPECT_EQ(info.type, OCTET_UINT8);
  ASSERT_EQ(info.rank, 2);
  EXPECT_EQ(info.shape[0], 1);
  EXPECT_EQ(info.shape[1], 16);
  EXPECT_EQ(info.bytes, 16u);
  ASSERT_EQ(info.scale_count, 1);
  EXPECT_EQ(info.scales[0], 0.5f);
  EXPECT_EQ(info.zero_points[0], 10);
  ASSERT_EQ(octet_input_info(h.session, 0, &info), OCTET_OK);
  EXPECT_STREQ(info.name, "in");
  EXPECT_EQ(info.rank, 4);
  EXPECT_NE(std::string(octet_session_target(h.session)), "");
}

TEST(CApi, SessionsShareAModelAcrossThreads) {
  Handles h;
  load(h);
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&] {
      octet_session* session = nullptr;
      ASSERT_EQ(octet_session_create(h.model, nullptr, &session), OCTET_OK);
      octet_session* clone = nullptr;
      ASSERT_EQ(octet_session_clone(session, 2, &clone), OCTET_OK);
      octet_session_free(session);
      expect_right_results(clone, DataType::UInt8);
      octet_session_free(clone);
    });
  }
  for (std::thread& user : users) user.join();
}

TEST(CApi, BadFilesAreRefusedWithAText) {
  octet_model* model = reinterpret_cast<octet_model*>(1);
  EXPECT_EQ(octet_model_load("/no/such/file.tflite", &model), OCTET_BAD_INPUT);
  EXPECT_EQ(model, nullptr);
  EXPECT_NE(std::string(octet_last_error()).find("/no/such/file.tflite"), std::string::npos);
  const std::vector<std::byte> bytes = file_bytes();
  for (size_t size = 0; size < bytes.size(); size += 37) {
    model = reinterpret_cast<octet_model*>(1);
    EXPECT_EQ(octet_model_load_memory(bytes.data(), size, "cut", &model), OCTET_BAD_INPUT) << size;
    EXPECT_EQ(model, nullptr);
    EXPECT_EQ(std::string(octet_last_error()).rfind("cut: ", 0), 0u) << octet_last_error();
  }
}

TEST(CApi, BadOptionsAreRefused) {
  Handles h;
  load(h);
  const octet_options bad[] = {{"mmx", 1}, {nullptr, -1}, {nullptr, 5000}};
  for (const octet_options& options : bad) {
    EXPECT_EQ(octet_session_create(h.model, &options, &h.session), OCTET_BAD_INPUT);
    EXPECT_EQ(h.session, nullptr);
    EXPECT_STRNE(octet_last_error(), "");
  }
}

TEST(CApi, NullsAndWrongIndicesAreErrors) {
  octet_model* model = nullptr;
  octet_session* session = nullptr;
  octet_tensor_info info;
  EXPECT_EQ(octet_model_load(nullptr, &model), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_model_load("x", nullptr), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_model_load_memory(nullptr, 10, nullptr, &model), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_model_load_memory(nullptr, 0, nullptr, &model), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_session_create(nullptr, nullptr, &session), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_session_clone(nullptr, 1, &session), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_run(nullptr), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_input_count(nullptr), 0u);
  EXPECT_EQ(octet_output_count(nullptr), 0u);
  EXPECT_EQ(octet_input_data(nullptr, 0), nullptr);
  EXPECT_EQ(octet_output_data(nullptr, 0), nullptr);
  EXPECT_STREQ(octet_session_target(nullptr), "");
  octet_model_free(nullptr);
  octet_session_free(nullptr);

  Handles h;
  load(h);
  ASSERT_EQ(octet_session_create(h.model, nullptr, &h.session), OCTET_OK);
  EXPECT_EQ(octet_input_data(h.session, 1), nullptr);
  EXPECT_EQ(octet_output_data(h.session, 1), nullptr);
  EXPECT_EQ(octet_input_info(h.session, 1, &info), OCTET_BAD_INPUT);
  EXPECT_EQ(octet_output_info(h.session, 0, nullptr), OCTET_BAD_INPUT);
}

TEST(CApi, ErrorTextsBelongToTheirThread) {
  EXPECT_EQ(octet_run(nullptr), OCTET_BAD_INPUT);
  const std::string mine = octet_last_error();
  std::thread([] { EXPECT_STREQ(octet_last_error(), ""); }).join();
  EXPECT_EQ(mine, octet_last_error());
}

TEST(CApi, HasAVersion) { EXPECT_STRNE(octet_version(), ""); }

}  // namespace
}  // namespace octet
