#include "runtime/cli/perf/processors.h"

#include <sched.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace farpage::cli::perf {
namespace {

absl::Status Failed(const char* call) {
  return absl::UnavailableError(absl::StrCat(call, ": ", strerrordesc_np(errno)));
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> AllowedProcessors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return Failed("sched_getaffinity");
  std::vector<uint32_t> processors;
  for (uint32_t processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) processors.push_back(processor);
  }
  return processors;
}

absl::Status RunOn(const std::vector<uint32_t>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const uint32_t processor : processors) CPU_SET(processor, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? absl::OkStatus()
                                                     : Failed("sched_setaffinity");
}

}  // namespace farpage::cli::perf
