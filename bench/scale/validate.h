// The model beside the measurement.
#ifndef FARPAGE_BENCH_SCALE_VALIDATE_H_
#define FARPAGE_BENCH_SCALE_VALIDATE_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace farpage::bench::scale {

// `files`: what `farpage perf --json` has written in one session, of the pieces (soft_roce.h) and
// of read_miss, write_miss and upgrade with 1 to 3 sharers. Simulates the latter with parameters
// from the former, and prints both as a table of Markdown. Errors name what the files lack.
absl::Status Validate(const std::vector<std::string>& files, std::ostream& out);

}  // namespace farpage::bench::scale

#endif  // FARPAGE_BENCH_SCALE_VALIDATE_H_
