#include <algorithm>
#include <chrono>

#include "benchmarks/layers.h"
#include "benchmarks/peers/engine.h"

namespace octet::peers {

double Engine::timed_run() {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

namespace {

class OctetEngine : public Engine {
 public:
  OctetEngine(const Model& model, int threads, Target target)
      : session_(plan(model, target), threads), is_layer_(model.operators.size() == 1) {}

  void set_input(size_t index, std::span<const std::byte> bytes) override {
    std::ranges::copy(bytes, session_.input(index).begin());
  }
  void run() override { session_.run(); }
  double timed_run() override { return is_layer_ ? time_layer(session_) : Engine::timed_run(); }
  std::vector<std::byte> output() const override {
    const std::span<const std::byte> bytes = session_.output(0);
    return {bytes.begin(), bytes.end()};
  }
  std::string note() const override { return is_layer_ ? kernel_of_layer(session_.plan()) : ""; }

 private:
  static std::shared_ptr<const Plan> plan(const Model& model, Target target) {
    PlanOptions options;
    options.target = target;
    return Plan::make(model, options);
  }

  Session session_;
  bool is_layer_;
};

}  // namespace

std::unique_ptr<Engine> make_octet(const Model& model, int threads, Target target) {
  return std::make_unique<OctetEngine>(model, threads, target);
}

}  // namespace octet::peers
