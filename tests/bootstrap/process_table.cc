#include "tests/bootstrap/process_table.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace farpage::bootstrap {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// User and system time, in ticks, as text.
std::string ProcessorTime(pid_t pid) {
  const std::string stat = Contents(absl::StrCat("/proc/", pid, "/stat"));
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ');
  return fields.size() > 13 ? absl::StrCat(fields[12], " ", fields[13]) : "";
}

}  // namespace

bool IsRunning(pid_t pid) {
  const std::string stat = Contents(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(')');  // "12 (name) S …"
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return false;
  const char state = stat[name_end + 2];
  return state != 'Z' && state != 'X';
}

std::vector<pid_t> RunningWith(const std::string& variable) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    const std::string environment = Contents(entry.path() / "environ");
    if (environment.find(variable) != std::string::npos && IsRunning(pid)) found.push_back(pid);
  }
  return found;
}

std::vector<pid_t> WaitUntilGone(const std::string& variable) {
  std::vector<pid_t> left;
  for (int i = 0; i < 1000; ++i) {
    left = RunningWith(variable);
    if (left.empty()) break;
    poll(nullptr, 0, 10);
  }
  return left;
}

bool WaitUntilIdle(const std::string& variable) {
  std::map<pid_t, std::string> before;
  for (int i = 0; i < 100; ++i) {
    std::map<pid_t, std::string> now;
    for (pid_t pid : RunningWith(variable)) now[pid] = ProcessorTime(pid);
    if (!now.empty() && now == before) return true;
    before = std::move(now);
    poll(nullptr, 0, 100);
  }
  return false;
}

std::string UniqueVariable() {
  static std::atomic<int> count = 0;
  return absl::StrCat("FARPAGE_TEST_JOB=", getpid(), "-", ++count, "-");
}

}  // namespace farpage::bootstrap
