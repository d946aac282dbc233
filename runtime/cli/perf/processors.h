// Which processors threads run on.
#ifndef FARPAGE_RUNTIME_CLI_PERF_PROCESSORS_H_
#define FARPAGE_RUNTIME_CLI_PERF_PROCESSORS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace farpage::cli::perf {

// Numbers of the processors that the calling thread may run on, ascending; at least one.
absl::StatusOr<std::vector<uint32_t>> AllowedProcessors();

// From now on the calling thread runs only on these.
absl::Status RunOn(const std::vector<uint32_t>& processors);

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_PROCESSORS_H_
