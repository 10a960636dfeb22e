#include "cli/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace octet::cli {

Stream::Stream(bool on) : on_(on) {
  if (!on_) return;
  if (pipe2(wake_, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  watcher_ = std::thread([this] { watch(); });
}

Stream::~Stream() {
  if (!on_) return;
  close(wake_[1]);
  watcher_.join();
  close(wake_[0]);
}

void Stream::send(const char* event, const Json& value) {
  if (!on_) return;
  const std::string line = Json{{event, value}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mutex_);
  for (size_t done = 0; done < line.size();) {
    const ssize_t written = write(STDOUT_FILENO, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);  // nobody listens any more
    done += static_cast<size_t>(written);
  }
}

void Stream::sample(Json fields) {
  if (!on_) return;
  samples_.push_back(std::move(fields));
  if (now_seconds() - last_ >= 0.1) flush();
}

void Stream::flush() {
  if (samples_.empty()) return;
  send("samples", samples_);
  samples_.clear();
  last_ = now_seconds();
}

void Stream::watch() {
  for (;;) {
    pollfd in[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    const int ready = poll(in, 2, kPatienceSeconds * 1000);
    if (ready < 0 && errno == EINTR) continue;
    if (in[1].revents != 0) return;
    char bytes[64];
    if (ready <= 0 || read(STDIN_FILENO, bytes, sizeof bytes) <= 0) _exit(1);
    send("alive", true);
  }
}

}  // namespace octet::cli
