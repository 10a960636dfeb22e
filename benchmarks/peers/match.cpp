#include "benchmarks/peers/match.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include "benchmarks/peers/network.h"
#include "cli/machine.h"
#include "models/zoo.h"

namespace octet::peers {
namespace {

/// Runs shorter than this are repeated until a sample is as long.
constexpr double kShortestSample = 1e-3;

/// How far outputs may lie from Octet's on average. Peers round otherwise: a layer's now and then by one step; what a
/// network makes of that stays small beside how its outputs differ from each other, which a wrong graph does not.
constexpr double kStepsOfLayer = 0.5, kShareOfSpread = 0.25;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Idle worker threads may poll for long before they sleep, and would slow the next side.
void wait_for_idle_workers() {
  constexpr auto kLook = std::chrono::milliseconds(1);
  constexpr double kIdle = 0.2e-3;
  for (int looks = 0; looks < 1000; ++looks) {
    const double before = cpu_seconds();
    std::this_thread::sleep_for(kLook);
    if (cpu_seconds() - before < kIdle) return;
  }
}

std::vector<std::byte> random_bytes(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random() >> 24); });
  return bytes;
}

std::vector<double> values_of(const std::vector<std::byte>& bytes, DataType type) {
  std::vector<double> values;
  for (const std::byte b : bytes)
    values.push_back(type == DataType::Int8 ? static_cast<int8_t>(b) : static_cast<uint8_t>(b));
  return values;
}

/// Throws Unsupported where `bytes` are not what `wanted` are, rounding aside.
void check_output(const std::vector<std::byte>& bytes, const std::vector<std::byte>& wanted, const Model& model) {
  if (bytes.size() != wanted.size()) throw Unsupported("the output has another size than Octet's");
  const DataType type = tensor_at(model, model.outputs[0]).type;
  const std::vector<double> a = values_of(bytes, type), b = values_of(wanted, type);
  const auto count = static_cast<double>(b.size());
  const double mean = std::accumulate(b.begin(), b.end(), 0.0) / count;
  double difference = 0, spread = 0;
  for (size_t i = 0; i < b.size(); ++i)
    difference += std::abs(a[i] - b[i]) / count, spread += std::abs(b[i] - mean) / count;
  const double allowed = model.operators.size() == 1 ? kStepsOfLayer : 1 + kShareOfSpread * spread;
  if (difference > allowed)
    throw Unsupported("outputs lie " + std::to_string(difference) + " steps from Octet's on average");
}

/// Mean seconds of `batch` runs, after some that are not counted: caches need several until they hold again what the
/// others' runs have displaced; several threads have to wake and find CPUs of their own, for as long as the scheduler
/// may take to part them.
double timed(Engine& engine, size_t batch, int threads) {
  const auto warm = std::chrono::steady_clock::now() + std::chrono::milliseconds(threads > 1 ? 50 : 15);
  do engine.run();
  while (std::chrono::steady_clock::now() < warm);
  double sum = 0;
  for (size_t i = 0; i < batch; ++i) sum += engine.timed_run();
  return sum / static_cast<double>(batch);
}

}  // namespace

Match* Match::current_ = nullptr;

Match::Match(std::string name, std::function<Model()> network, int threads, Target target, std::vector<Peer> peers)
    : name_(std::move(name)),
      network_(std::move(network)),
      threads_(threads),
      target_(target),
      peers_(std::move(peers)),
      sides_(peers_.size() + 1) {}

Match::~Match() {
  if (current_ == this) current_ = nullptr;
}

double Match::seconds(size_t side, size_t index) {
  begin();
  if (!sides_[side].error.empty()) throw Unsupported(sides_[side].error);
  while (sides_[side].seconds.size() <= index) take_turns();
  return sides_[side].seconds[index];
}

const std::string& Match::error(size_t side) {
  begin();
  return sides_[side].error;
}

void Match::begin() {
  if (current_ == this) return;
  if (current_ != nullptr) {
    for (Side& side : current_->sides_) side.engine.reset();
  }
  current_ = this;
  make_engines();
}

void Match::make_engines() {
  using cli::pin_to;
  static const std::vector<int> all = cli::allowed_cpus();
  pin_to(all);
  if (static_cast<size_t>(threads_) < all.size()) pin_to(cli::preferred_cpus(static_cast<size_t>(threads_)));

  const Model model = without_ends(network_());
  macs_ = count_macs(model);
  std::vector<std::byte> wanted;
  for (size_t i = 0; i < sides_.size(); ++i) {
    Side& side = sides_[i];
    try {
      side.engine = i == 0 ? make_octet(model, threads_, target_) : peers_[i - 1].make(model, threads_);
      for (size_t input = 0; input < model.inputs.size(); ++input)
        side.engine->set_input(input, random_bytes(element_count(tensor_at(model, model.inputs[input]).shape),
                                                   static_cast<uint32_t>(input)));
      side.engine->run();
      if (i == 0) wanted = side.engine->output();
      side.note = side.engine->note();
      check_output(side.engine->output(), wanted, model);
      const double once = timed(*side.engine, 1, threads_);
      side.batch = static_cast<size_t>(std::max(1.0, std::ceil(kShortestSample / once)));
    } catch (const Unsupported& e) {
      side.error = e.what();
    }
    if (!side.error.empty()) side.engine.reset();
  }
}

void Match::take_turns() {
  for (Side& side : sides_) {
    if (side.engine == nullptr) continue;
    if (threads_ > 1) wait_for_idle_workers();
    side.seconds.push_back(timed(*side.engine, side.batch, threads_));
  }
}

}  // namespace octet::peers
