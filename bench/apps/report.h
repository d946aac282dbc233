// The results of pagerank on several numbers of nodes, as a table for people.
#ifndef FARPAGE_BENCH_APPS_REPORT_H_
#define FARPAGE_BENCH_APPS_REPORT_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "bench/apps/result.h"

namespace farpage::apps {

// OK if all results agree with the plain run and are of the same graph, with the same best
// packages. FAILED_PRECONDITION says which does not.
absl::Status CheckResults(std::span<const Result> results);

// The table; there is at least one result.
std::string FormatReport(std::span<const Result> results);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_REPORT_H_
