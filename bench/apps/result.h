// What a run of pagerank found and what it cost, and the same as JSON.
#ifndef FARPAGE_BENCH_APPS_RESULT_H_
#define FARPAGE_BENCH_APPS_RESULT_H_

#include <farpage/statistics.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace farpage::apps {

struct RankedPackage {
  std::string name;
  double rank = 0;

  bool operator==(const RankedPackage&) const = default;
};

struct Result {
  uint32_t nodes = 0;
  uint64_t packages = 0;
  uint64_t dependencies = 0;
  uint64_t missing = 0;  // as in PackageGraph
  double tolerance = 0;
  uint32_t iterations = 0;
  double load_seconds = 0;         // reading and parsing the file, and building the shared graph
  double seconds = 0;              // the iterations
  double plain_seconds = 0;        // the same iterations on private memory in one process
  Statistics statistics;           // of the iterations, all nodes together
  std::vector<RankedPackage> top;  // best first
  // Largest absolute differences from the plain run: of a rank at the end, and of the change of one
  // iteration. The second shows a wrong value even if later iterations mend it.
  double rank_difference = 0;
  double change_difference = 0;
  uint32_t plain_iterations = 0;

  // The two runs differ only in the order in which totals are added up.
  bool agrees() const;
  uint64_t moved_bytes() const;  // between nodes, both directions
  uint64_t moved_pages() const;
};

std::string ToJson(const Result& result);

// INVALID_ARGUMENT says what is missing or of the wrong type.
absl::StatusOr<Result> ResultFromJson(std::string_view text);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_RESULT_H_
