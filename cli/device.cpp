#include "cli/device.h"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "cli/adb.h"
#include "cli/ssh.h"
#include "system/files.h"
#include "system/hash.h"

namespace octet::cli {
namespace {

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const size_t begin = text.find_last_of("\r\n", end);
  return text.substr(begin + 1, end - begin);
}

/// What follows "error: " in the last line that has it; "" where none has.
std::string error_in(const std::string& text) {
  constexpr std::string_view kError = "error: ";
  const size_t at = text.rfind(kError);
  if (at == std::string::npos) return "";
  const size_t begin = at + kError.size();
  return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

/// Prints files and Android's properties, each after a line that begins with "@@ ".
constexpr const char* kAskForFacts = R"(
show() { [ -r "$1" ] && echo "@@ $1" && cat "$1" 2>/dev/null && echo; }
echo "@@ machine"; uname -m
if command -v getprop > /dev/null; then
  for p in ro.product.model ro.soc.model ro.board.platform ro.build.version.release; do echo "@@ $p"; getprop $p; done
fi
show /proc/cpuinfo
show /proc/device-tree/model
show /sys/devices/system/cpu/present
show /sys/devices/system/cpu/possible
for c in /sys/devices/system/cpu/cpu[0-9]*; do
  for f in cpu_capacity cpufreq/cpuinfo_max_freq regs/identification/midr_el1; do show $c/$f; done
done
true
)";

std::map<std::string, std::string> parse_facts(const std::string& text) {
  std::map<std::string, std::string> facts;
  std::istringstream in(text);
  std::string* current = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with("@@ ")) {
      current = &facts[line.substr(3)];
    } else if (current != nullptr) {
      *current += line + "\n";
    }
  }
  return facts;
}

}  // namespace

void Device::fail(const std::string& what) const { throw std::runtime_error(name_ + ": " + what); }

void Device::fail(const std::string& what, const Outcome& outcome) const {
  std::string why = error_in(outcome.err + "\n" + outcome.out);  // adb says more after it
  if (why.empty()) why = last_line(outcome.err);
  if (why.empty()) why = last_line(outcome.out);
  if (outcome.hung) why = "no answer";
  if (why.empty()) why = fmt::format("exit code {}", outcome.code);
  fail(what + ": " + why);
}

std::string Device::read(const std::string& line) const {
  const Outcome outcome = run(line);
  if (!outcome.ok()) fail("cannot be asked", outcome);
  return outcome.out;
}

std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::unique_ptr<Device> open_device(const std::string& text) {
  return text.starts_with(kSshPrefix) ? open_ssh(text) : open_adb(text);
}

DeviceFacts facts_of(const Device& device) {
  const SystemFiles files = files_of(parse_facts(device.read(kAskForFacts)));
  DeviceFacts facts;
  facts.machine = first_line(files, "machine");
  facts.model = first_line(files, "ro.product.model");
  facts.android = first_line(files, "ro.build.version.release");
  for (const std::string property : {"ro.soc.model", "ro.board.platform"}) {
    if (facts.soc.empty()) facts.soc = first_line(files, property);
  }
  if (facts.soc.empty()) facts.soc = soc_name(files);
  facts.clusters = find_clusters(files);
  return facts;
}

std::string bring(const Device& device, const std::string& folder, const std::filesystem::path& file, bool& sent) {
  const std::vector<std::byte> bytes = read_bytes(file);
  const std::string home = folder + "/" + hash_of(bytes), to = home + "/" + file.filename().string();
  sent = device.run("[ -f " + quoted(to) + " ]").code != 0;
  if (!sent) return to;
  const std::string part = home + "/.part-" + std::to_string(getpid());
  const Outcome made = device.run("mkdir -p " + quoted(home) + " && rm -f " + quoted(home) + "/.part-*");
  if (!made.ok()) device.fail(folder + " cannot be made (see --device-folder)", made);
  const auto withdraw = [&] { device.run("rm -f " + quoted(part) + "; rmdir " + quoted(home) + " 2> /dev/null"); };
  Outcome copied;
  try {
    copied = device.copy(file.string(), part, 60 + static_cast<double>(bytes.size()) / 100e3);
  } catch (const Interrupted&) {
    withdraw();
    throw;
  }
  if (copied.ok()) {
    copied = device.run(fmt::format("[ \"$(wc -c < {0})\" -eq {1} ] && chmod 755 {0} && mv {0} {2}", quoted(part),
                                    bytes.size(), quoted(to)));
  }
  if (copied.ok()) return to;
  withdraw();
  device.fail(file.string() + " cannot be written to " + folder, copied);
}

void clean(const Device& device, const std::string& folder) {
  // Nothing but what bring() makes, whatever the folder is.
  const Outcome outcome =
      device.run("for d in " + quoted(folder) +
                 "/????????????????????????????????; do case ${d##*/} in *[!0-9a-f]*) ;; *) rm -rf \"$d\" || exit 1;; "
                 "esac; done; rmdir " +
                 quoted(folder) + " 2> /dev/null; true");
  if (!outcome.ok()) device.fail(folder + " cannot be removed", outcome);
}

}  // namespace octet::cli
