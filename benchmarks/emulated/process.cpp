#include "benchmarks/emulated/process.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace octet::emulated {
namespace {

/// Files without names stand in for pipes: no side ever waits for the other.
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary_file() {
  File file(std::tmpfile(), std::fclose);
  if (file == nullptr) throw std::runtime_error(std::string("no temporary file: ") + std::strerror(errno));
  return file;
}

std::string contents_of(std::FILE* file) {
  std::rewind(file);
  std::string contents;
  char chunk[1 << 16];
  while (const size_t n = std::fread(chunk, 1, sizeof chunk, file)) contents.append(chunk, n);
  return contents;
}

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  void redirect(int descriptor, std::FILE* file) {
    posix_spawn_file_actions_adddup2(&actions, fileno(file), descriptor);
  }
  posix_spawn_file_actions_t actions;
};

}  // namespace

Finished run_process(const std::vector<std::string>& command, std::string_view in) {
  const File input = temporary_file(), out = temporary_file(), err = temporary_file();
  if (std::fwrite(in.data(), 1, in.size(), input.get()) != in.size() || std::fflush(input.get()) != 0) {
    throw std::runtime_error("temporary file: " + std::string(std::strerror(errno)));
  }
  std::rewind(input.get());
  FileActions files;
  files.redirect(STDIN_FILENO, input.get());
  files.redirect(STDOUT_FILENO, out.get());
  files.redirect(STDERR_FILENO, err.get());
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (const int error = posix_spawnp(&child, arguments[0], &files.actions, nullptr, arguments.data(), environ)) {
    throw std::runtime_error(command[0] + ": cannot be started: " + std::strerror(error));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error(command[0] + ": " + std::strerror(errno));
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, contents_of(out.get()), contents_of(err.get())};
}

std::filesystem::path this_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "octet-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error(name + ": cannot be created");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::optional<std::string> find_program(const std::vector<std::string>& names) {
  const char* const path = std::getenv("PATH");
  for (const std::string& name : names) {
    std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      const std::string file = (folder.empty() ? "." : folder) + "/" + name;
      if (access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return std::nullopt;
}

}  // namespace octet::emulated
