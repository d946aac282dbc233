// What an application prints and writes.
#ifndef FARPAGE_BENCH_APPS_FRAME_REPORT_H_
#define FARPAGE_BENCH_APPS_FRAME_REPORT_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/apps/frame/figure.h"
#include "bench/apps/frame/measurement.h"

namespace farpage::apps {

struct Report {
  std::string application;  // "stencil"
  std::string version;      // "farpage", "mpi" or "openmp"
  uint32_t nodes = 1;       // processes
  uint32_t threads = 1;     // of each
  std::vector<Measurement> measurements{};
  std::vector<Measurement> plain{};  // the sequential program, measured by the same process
  std::vector<Figure> figures{};
  absl::Status verified{};  // why it is not
};

// The line for people, and after it why the result is wrong, if it is.
void Print(const Report& report, std::ostream& out);

// Google Benchmark's schema, with one benchmark: "stencil/nodes:2/threads:1", for other versions
// "stencil/mpi/nodes:2/threads:1". real_time is the median, cpu_time what all nodes together took
// for it, in seconds.
std::string ToJson(const Report& report);

// The file for ToJson(), opened before there is anything to write, so that a name that is no good
// is told at once. Nothing is opened if `path` is empty.
class ReportFile {
 public:
  // FAILED_PRECONDITION says why it cannot be written.
  static absl::StatusOr<ReportFile> Open(const std::string& path);
  absl::Status Write(const std::string& text);

 private:
  explicit ReportFile(const std::string& path) : path_(path) {}
  std::string path_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_REPORT_H_
