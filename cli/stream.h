// `octet bench --stream`: what is measured on a device, sent as it is found, one JSON object a line on standard output.
// The other end (remote_bench.h) holds standard input open and sends a byte now and then; where these stay away this
// process ends.
//
//   {"context": {...}}                       before anything is measured; again at the end, with peaks
//   {"begin": {"name": ..., "threads": N}}   a result's samples follow
//   {"samples": [{...}, ...]}                as taken, some ten times a second
//   {"result": [...]}                        all benchmark entries of the result, these samples too
//   {"alive": true}                          the answer to each byte
//   {"report": "..."}                        the end: all went well
#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "cli/bench_json.h"

namespace octet::cli {

inline constexpr int kBeatSeconds = 5;       // between bytes
inline constexpr int kPatienceSeconds = 60;  // without one, before an end counts the other as gone

class Stream {
 public:
  /// Not `on`: does nothing at all. Else a thread begins to watch standard input; to be made before pinning.
  explicit Stream(bool on);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool on() const { return on_; }
  void send(const char* event, const Json& value);
  /// Held back until a tenth of a second has passed since the last, so that sending disturbs little of what is
  /// measured.
  void sample(Json fields);
  void flush();

 private:
  void watch();

  const bool on_;
  std::mutex mutex_;
  std::vector<Json> samples_;
  double last_ = 0;
  int wake_[2] = {-1, -1};  // a pipe that ends the watching
  std::thread watcher_;
};

}  // namespace octet::cli
