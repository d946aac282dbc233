#include "runtime/bootstrap/process_end.h"

#include <cstring>

#include "absl/strings/str_format.h"

namespace farpage::bootstrap {

std::string DescribeEnd(const ProcessEnd& end) {
  switch (end.kind) {
    case ProcessEnd::Kind::kExited:
      return absl::StrFormat("exited with status %d", end.code);
    case ProcessEnd::Kind::kKilled: {
      const char* name = sigdescr_np(end.code);
      return absl::StrFormat("was killed by signal %d (%s)", end.code, name ? name : "unknown");
    }
    case ProcessEnd::Kind::kNotStarted:
      return "was not started";
    case ProcessEnd::Kind::kUnkillable:
      return absl::StrFormat("did not end even on signal %d", end.code);
  }
  return "ended";
}

}  // namespace farpage::bootstrap
