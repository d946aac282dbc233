// What can be measured: one table, read by the command line, its help and the nodes of a job.
#ifndef FARPAGE_RUNTIME_CLI_PERF_CASES_H_
#define FARPAGE_RUNTIME_CLI_PERF_CASES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cli/perf/row.h"

namespace farpage::cli::perf {

// What the command line asks for; 0 stands for "not given".
struct Wishes {
  int64_t bytes = 0;
  bool bytes_given = false;
  int64_t iterations = 0;
  bool iterations_given = false;
  bool all_sizes = false;
  int64_t sharers = -1;
  int64_t nodes = 0;
};

// The same for one case, checked and complete.
struct Settings {
  std::vector<uint64_t> sizes;  // at least one
  uint64_t iterations = 0;
  uint32_t sharers = 0;
  uint32_t nodes = 2;
};

// What -s may be.
struct SizeRule {
  uint64_t preset = 0;  // bytes an operation is about, unless -s is given
  uint64_t least = 0;
  uint64_t most = 0;  // 0: the case takes no -s
  uint64_t multiple = 1;
  bool sweeps = false;  // takes -a
};

struct Case {
  std::string_view name;
  std::string_view summary;
  // Runs on every node of the job; the node that measures gives rows to `sink`.
  absl::Status (*run)(const Settings& settings, const RowSink& sink);
  SizeRule size;
  uint64_t iterations;  // unless -n is given
  uint64_t most_iterations;
  uint32_t nodes = 2;  // 0: --nodes says; with sharers, those come on top
  bool takes_sharers = false;
  bool prefetch = true;  // the runtime's, while this case runs
};

std::span<const Case> Cases();
const Case* FindCase(std::string_view name);

// Sizes of -a: 8 bytes … 1 MiB, doubling.
std::vector<uint64_t> AllSizes();

// INVALID_ARGUMENT says what the case takes. With `lenient`, what it does not take is left out: so
// "all" can be given options that only some cases have.
absl::StatusOr<Settings> Settle(const Case& one, const Wishes& wishes, bool lenient);

// One line per case.
std::string CaseList();

// The cases.
absl::Status FabricRead(const Settings& settings, const RowSink& sink);
absl::Status FabricWrite(const Settings& settings, const RowSink& sink);
absl::Status FabricFetchAndAdd(const Settings& settings, const RowSink& sink);
absl::Status FabricChain(const Settings& settings, const RowSink& sink);
absl::Status FabricMessage(const Settings& settings, const RowSink& sink);
absl::Status FabricEvent(const Settings& settings, const RowSink& sink);
absl::Status FaultFloorCase(const Settings& settings, const RowSink& sink);
absl::Status PartsCase(const Settings& settings, const RowSink& sink);
absl::Status WakeCase(const Settings& settings, const RowSink& sink);
absl::Status ReadMiss(const Settings& settings, const RowSink& sink);
absl::Status WriteMiss(const Settings& settings, const RowSink& sink);
absl::Status Upgrade(const Settings& settings, const RowSink& sink);
absl::Status PingPong(const Settings& settings, const RowSink& sink);
absl::Status FalseSharing(const Settings& settings, const RowSink& sink);
absl::Status Scan(const Settings& settings, const RowSink& sink);
absl::Status Hit(const Settings& settings, const RowSink& sink);
absl::Status BarrierCase(const Settings& settings, const RowSink& sink);
absl::Status MutexCase(const Settings& settings, const RowSink& sink);
absl::Status ReleaseMiss(const Settings& settings, const RowSink& sink);
absl::Status FirstWrite(const Settings& settings, const RowSink& sink);
absl::Status ReleaseCase(const Settings& settings, const RowSink& sink);
absl::Status AcquireCase(const Settings& settings, const RowSink& sink);
absl::Status ReleaseBarrier(const Settings& settings, const RowSink& sink);
absl::Status ReleasedFalseSharing(const Settings& settings, const RowSink& sink);
absl::Status AtomicCase(const Settings& settings, const RowSink& sink);

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_CASES_H_
