// One line of results, and how it travels from the node that measured to the process that prints.
#ifndef FARPAGE_RUNTIME_CLI_PERF_ROW_H_
#define FARPAGE_RUNTIME_CLI_PERF_ROW_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/cli/perf/samples.h"

namespace farpage::cli::perf {

struct Row {
  std::string name;         // "read_miss/4096"
  uint64_t bytes = 0;       // that one operation is about
  uint64_t iterations = 0;  // samples
  Summary time;             // ns per operation
  double cpu_ns = 0;        // processor time of the measuring thread per operation
  double floor_ns = 0;      // 0: none is known
  std::string floor;        // what the floor is made of
  // Further figures, as "chains_per_clean_miss" → 1. Printed below the row.
  std::vector<std::pair<std::string, double>> figures;

  // Of medians. 0 if there is no floor.
  double ratio() const { return floor_ns > 0 ? time.typical / floor_ns : 0; }
};

using RowSink = std::function<void(const Row&)>;

// A line without '\n'. FromLine() gives nothing for a line that is no row.
std::string ToLine(const Row& row);
std::optional<Row> FromLine(std::string_view line);

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_ROW_H_
