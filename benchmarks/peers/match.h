// A match between Octet and its peers over one network: who takes turns, run by run, in one process, so that what slows
// the machine slows all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/peers/peers.h"

namespace octet::peers {

class Match {
 public:
  Match(std::string name, std::function<Model()> network, int threads, Target target, std::vector<Peer> peers);
  ~Match();
  Match(const Match&) = delete;
  Match& operator=(const Match&) = delete;

  const std::string& name() const { return name_; }
  int threads() const { return threads_; }
  int64_t macs() const { return macs_; }

  /// Sample `index` of a side (0: Octet; then the peers in their order): seconds of one run. Takes as many turns as
  /// that needs. Engines are made with the first turn and live until another match has one.
  /// Throws Unsupported for a side with an error.
  double seconds(size_t side, size_t index);
  /// Why a side cannot take part (its network is not translated, or its output is not Octet's); empty where it does.
  const std::string& error(size_t side);
  const std::string& note(size_t side) const { return sides_[side].note; }

 private:
  struct Side {
    std::unique_ptr<Engine> engine;
    size_t batch = 1;  // runs a sample
    std::vector<double> seconds;
    std::string error, note;
  };

  void begin();
  void make_engines();
  void take_turns();

  static Match* current_;  // whose engines live

  std::string name_;
  std::function<Model()> network_;
  int threads_;
  Target target_;
  std::vector<Peer> peers_;
  std::vector<Side> sides_;
  int64_t macs_ = 0;
};

}  // namespace octet::peers
