// What `farpage perf --json` has written.
#ifndef FARPAGE_BENCH_SCALE_PERF_RESULTS_H_
#define FARPAGE_BENCH_SCALE_PERF_RESULTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace farpage::bench::scale {

class PerfResults {
 public:
  // All rows of all files. Errors name the file that cannot be read or is no result of perf.
  static absl::StatusOr<PerfResults> Read(const std::vector<std::string>& files);

  // The median of all rows of this name, of the figure that they have under `field`: the times'
  // median unless another is named. NOT_FOUND if there is no such row.
  absl::StatusOr<double> Median(const std::string& name, const std::string& field = "p50_ns") const;

  // Of the machine that was measured; 0 if the files do not say.
  uint32_t processors() const { return processors_; }

 private:
  uint32_t processors_ = 0;
  std::map<std::string, std::map<std::string, std::vector<double>>> figures_;
};

}  // namespace farpage::bench::scale

#endif  // FARPAGE_BENCH_SCALE_PERF_RESULTS_H_
