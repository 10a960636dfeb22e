#include "benchmarks/peers/onnxruntime.h"

#include <onnxruntime_c_api.h>

#include <algorithm>

#include "benchmarks/peers/network.h"
#include "benchmarks/peers/onnx.h"
#include "runtime/target.h"

namespace octet::peers {
namespace {

const OrtApi& api() {
  static const OrtApi* const api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (api == nullptr) throw Unsupported("ONNX Runtime: the library is older than its headers");
  return *api;
}

void check(OrtStatus* status) {
  if (status == nullptr) return;
  const std::string what = api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  throw Unsupported("ONNX Runtime: " + what);
}

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    (api().*release)(object);
  }
};
template <typename T, auto release>
using Owned = std::unique_ptr<T, Release<release>>;

OrtEnv* environment() {
  static const auto made = [] {
    OrtEnv* env = nullptr;
    check(api().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "octet_peers", &env));
    return Owned<OrtEnv, &OrtApi::ReleaseEnv>(env);
  }();
  return made.get();
}

class OnnxRuntimeEngine : public Engine {
 public:
  OnnxRuntimeEngine(const Model& model, int threads) {
    OrtSessionOptions* options = nullptr;
    check(api().CreateSessionOptions(&options));
    const Owned<OrtSessionOptions, &OrtApi::ReleaseSessionOptions> owned_options(options);
    check(api().SetIntraOpNumThreads(options, threads));
    check(api().SetInterOpNumThreads(options, 1));
    check(api().SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    // Without VNNI its int8 products saturate by default, and outputs are wrong by steps.
    if (!cpu_supports(Target::Avx512Vnni))
      check(api().AddSessionConfigEntry(options, "session.x64quantprecision", "1"));
    const std::string onnx = to_onnx(model);
    OrtSession* session = nullptr;
    check(api().CreateSessionFromArray(environment(), onnx.data(), onnx.size(), options, &session));
    session_.reset(session);
    OrtIoBinding* binding = nullptr;
    check(api().CreateIoBinding(session, &binding));
    binding_.reset(binding);
    OrtMemoryInfo* memory = nullptr;
    check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    memory_.reset(memory);
    for (size_t i = 0; i < model.inputs.size(); ++i)
      check(api().BindInput(binding, ("input" + std::to_string(i)).c_str(), bind(tensor_at(model, model.inputs[i]))));
    check(api().BindOutput(binding, "output", bind(tensor_at(model, model.outputs[0]))));
  }

  void set_input(size_t index, std::span<const std::byte> bytes) override {
    Buffer& buffer = buffers_[index];
    std::ranges::transform(bytes, buffer.bytes.begin(), [&](std::byte b) { return b ^ buffer.flip; });
  }
  void run() override { check(api().RunWithBinding(session_.get(), nullptr, binding_.get())); }
  std::vector<std::byte> output() const override {
    std::vector<std::byte> bytes = buffers_.back().bytes;
    for (std::byte& b : bytes) b ^= buffers_.back().flip;
    return bytes;
  }

 private:
  struct Buffer {
    std::vector<std::byte> bytes;
    std::byte flip;  // what turns the model's type into uint8
    Owned<OrtValue, &OrtApi::ReleaseValue> value;
  };

  OrtValue* bind(const Tensor& tensor) {
    Buffer& buffer = buffers_.emplace_back();
    buffer.bytes.resize(static_cast<size_t>(element_count(tensor.shape)));
    buffer.flip = std::byte{tensor.type == DataType::Int8 ? uint8_t{0x80} : uint8_t{0}};
    const std::vector<int64_t> dims(tensor.shape.begin(), tensor.shape.end());
    OrtValue* value = nullptr;
    check(api().CreateTensorWithDataAsOrtValue(memory_.get(), buffer.bytes.data(), buffer.bytes.size(), dims.data(),
                                               dims.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &value));
    buffer.value.reset(value);
    return value;
  }

  Owned<OrtSession, &OrtApi::ReleaseSession> session_;
  Owned<OrtMemoryInfo, &OrtApi::ReleaseMemoryInfo> memory_;
  std::vector<Buffer> buffers_;  // inputs, then the output
  Owned<OrtIoBinding, &OrtApi::ReleaseIoBinding> binding_;
};

}  // namespace

std::unique_ptr<Engine> make_onnxruntime(const Model& model, int threads) {
  return std::make_unique<OnnxRuntimeEngine>(model, threads);
}

std::string onnxruntime_version() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace octet::peers
