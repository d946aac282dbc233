// Barriers and the floor under them.
#ifndef FARPAGE_RUNTIME_CLI_PERF_BARRIERS_H_
#define FARPAGE_RUNTIME_CLI_PERF_BARRIERS_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "runtime/cli/perf/job_node.h"
#include "runtime/cli/perf/row.h"

namespace farpage::cli::perf {

// Collective: passes the node's barrier `iterations` times and gives a row "NAME/nodes:N". The
// floor, by turns: every node writes a word to every other one and looks for theirs, spinning.
absl::Status MeasureBarriers(JobNode& job, std::string_view name, uint64_t iterations,
                             std::vector<std::pair<std::string, double>> figures,
                             const RowSink& sink);

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_BARRIERS_H_
