#include "cli/measure.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <random>

namespace octet::cli {
namespace {

Sample timed_run(const Subject& subject) {
  const double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double wall = now_seconds();
  subject.run();
  const double wall_end = now_seconds();
  return {wall_end - wall, clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu};
}

/// Whether another sample is due.
bool wants_more(const Effort& effort, size_t done, double seconds) {
  if (effort.runs > 0) return done < static_cast<size_t>(effort.runs);
  return done < kMinRuns || (seconds < effort.min_seconds && (effort.sustained || done < kMaxRuns));
}

void measure_layers(const std::vector<Subject>& subjects, const Effort& effort, const std::function<void()>& after_turn,
                    std::vector<Timing>& timings) {
  const double start = now_seconds();
  for (size_t done = 0; wants_more(effort, done, now_seconds() - start); ++done) {
    for (size_t i = 0; i < subjects.size(); ++i) {
      std::vector<std::vector<double>>& layers = timings[i].layers;
      layers.resize(subjects[i].layers);
      double last = now_seconds();
      subjects[i].run_by_layers([&](size_t step) {
        const double now = now_seconds();
        layers[step].push_back(now - last);
        last = now_seconds();
      });
    }
    after_turn();
  }
}

}  // namespace

std::vector<double> Timing::wall() const {
  std::vector<double> times;
  for (const Sample& s : samples) times.push_back(s.wall);
  return times;
}

std::vector<Reading> Timing::after() const {
  std::vector<Reading> readings;
  for (const Sample& s : samples) readings.push_back(s.after);
  return readings;
}

void fill_inputs(Session& session) {
  std::mt19937 random(1);
  for (size_t i = 0; i < session.plan().inputs().size(); ++i) {
    const std::span<std::byte> bytes = session.input(i);
    const DataType type = session.plan().inputs()[i].type;
    if (type == DataType::Float32) {
      for (size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
        const float value = static_cast<float>(random() % 2048) / 1024 - 1;
        std::memcpy(bytes.data() + at, &value, sizeof value);
      }
    } else if (size_of(type) == 1) {  // wider integers may be indices: zero is always one
      for (std::byte& b : bytes) b = static_cast<std::byte>(random() >> 24);
    }
  }
}

Subject subject_of(Session& session) {
  return {[&] { session.run(); }, [&](const std::function<void(size_t)>& after) { session.run(after); },
          session.plan().steps().size()};
}

std::vector<Timing> measure(const std::vector<Subject>& subjects, const Effort& effort, bool layers,
                            const Sensors& sensors, const std::function<void(const Sample&)>& on_sample,
                            const std::function<void()>& after_turn) {
  std::vector<Timing> timings(subjects.size());
  const auto keep = [&](size_t subject, Sample sample) {
    timings[subject].samples.push_back(std::move(sample));
    on_sample(timings[subject].samples.back());
  };
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Sample first = timed_run(subjects[i]);
    timings[i].first = first.wall;
    if (effort.warmup == 0) keep(i, first);
  }
  for (int run = 1; run < effort.warmup; ++run) {
    for (const Subject& subject : subjects) subject.run();
  }
  const bool reads = effort.warmup > 0 && sensors.any();
  const double start = now_seconds();
  const auto share = static_cast<double>(subjects.size());  // of the time
  for (size_t due = 0; wants_more(effort, timings[0].samples.size(), (now_seconds() - start) / share);) {
    for (size_t i = 0; i < subjects.size(); ++i, ++due) {
      sleep_seconds(start + static_cast<double>(due) * effort.period_seconds - now_seconds());
      Reading before = reads ? sensors.read() : Reading();
      Sample sample = timed_run(subjects[i]);
      sample.before = std::move(before);
      if (reads) sample.after = sensors.read();
      keep(i, std::move(sample));
    }
    after_turn();
  }
  if (layers) {
    Effort for_layers = effort;
    if (effort.sustained) for_layers.min_seconds = Effort().min_seconds, for_layers.sustained = false;
    measure_layers(subjects, for_layers, after_turn, timings);
  }
  return timings;
}

}  // namespace octet::cli
