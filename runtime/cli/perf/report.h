// What `farpage perf` prints and writes.
#ifndef FARPAGE_RUNTIME_CLI_PERF_REPORT_H_
#define FARPAGE_RUNTIME_CLI_PERF_REPORT_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/options.h"
#include "runtime/cli/perf/row.h"
#include "transport/rendezvous.h"

namespace farpage::cli::perf {

// Where the figures come from: name and value, in the order to print.
using Surroundings = std::vector<std::pair<std::string, std::string>>;
Surroundings Describe(const Options& options);

void PrintSurroundings(const Surroundings& surroundings, std::ostream& out);
// perftest's columns, and the floor. Times in microseconds.
void PrintColumnNames(std::ostream& out);
void PrintRow(const Row& row, std::ostream& out);

// Google Benchmark's JSON: what its compare.py reads, and per row p50_ns, p99_ns, floor_ns, ratio.
std::string ToJson(const Surroundings& surroundings, const std::vector<Row>& rows);

// A file that is known to be writable before there is anything to write.
class JsonFile {
 public:
  // FAILED_PRECONDITION says why it cannot be written. A file that was there stays as it is for
  // now.
  static absl::StatusOr<JsonFile> Open(const std::string& path);
  JsonFile(JsonFile&&) = default;
  JsonFile& operator=(JsonFile&&) = default;
  // Removes the file if it was not there before and Write() has not been called.
  ~JsonFile();

  absl::Status Write(const std::string& text);

 private:
  JsonFile(std::string path, transport::OwnedFd fd, bool is_new)
      : path_(std::move(path)), fd_(std::move(fd)), is_new_(is_new) {}

  std::string path_;
  transport::OwnedFd fd_;
  bool is_new_;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_REPORT_H_
