// How a process ended.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_PROCESS_END_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_PROCESS_END_H_

#include <cstdint>
#include <string>

namespace farpage::bootstrap {

struct ProcessEnd {
  enum class Kind : uint8_t { kExited, kKilled, kUnkillable, kNotStarted };
  Kind kind = Kind::kExited;
  int code = 0;  // exit status, or number of the signal

  bool clean() const { return kind == Kind::kExited && code == 0; }
  // As a shell would report it: 128 + signal for signals. 128 if it never ran.
  int exit_status() const { return kind == Kind::kExited ? code : 128 + code; }
};

// Follows "node 2 ": "exited with status 3", "was killed by signal 9 (Killed)".
std::string DescribeEnd(const ProcessEnd& end);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_PROCESS_END_H_
