#include "bench/apps/frame/mpi_program.h"

#include <mpi.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/apps/frame/arguments.h"
#include "bench/apps/frame/conclude.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_usage.h"
#include "bench/apps/frame/report.h"

namespace farpage::apps {

namespace {

// While it lives, MPI may be used.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv) { MPI_Init(&argc, &argv); }
  ~MpiSession() { MPI_Finalize(); }
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

Measurement MeasureOnce(MpiProgram& program) {
  program.Prepare();
  MPI_Barrier(MPI_COMM_WORLD);
  const double cpu_before = CpuSeconds();
  const Stopwatch watch;
  program.Compute();
  MPI_Barrier(MPI_COMM_WORLD);
  Measurement one;
  const double seconds = watch.seconds();
  const double cpu_seconds = CpuSeconds() - cpu_before;
  MPI_Allreduce(&seconds, &one.seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  MPI_Allreduce(&cpu_seconds, &one.cpu_seconds, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return one;
}

}  // namespace

int RunMpi(int argc, char** argv, Problem& problem, MpiProgram& program) {
  Arguments arguments;
  std::optional<ReportFile> file;  // process 0's
  std::optional<Report> report;
  const std::string name = absl::StrCat(problem.name(), "_mpi");
  {
    MpiSession session(argc, argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &program.rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &program.size_);
    if (const std::optional<int> status = ParseArguments(
            argc, argv, name, problem, {.threads = false, .consistency = false}, arguments)) {
      return *status;
    }
    if (program.rank() == 0) {
      absl::StatusOr<ReportFile> opened = ReportFile::Open(arguments.json);
      if (!opened.ok()) {
        absl::FPrintF(stderr, "%s: %s\n", name, opened.status().message());
        MPI_Abort(MPI_COMM_WORLD, 1);
      }
      file = *std::move(opened);
    }
    Report measured{.application = problem.name(),
                    .version = "mpi",
                    .nodes = static_cast<uint32_t>(program.size())};
    for (uint32_t round = 0; round < arguments.repeat; ++round) {
      measured.measurements.push_back(MeasureOnce(program));
    }
    const auto own_bytes = static_cast<double>(ResidentBytes());
    double most_bytes = 0;
    MPI_Reduce(&own_bytes, &most_bytes, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    measured.figures.push_back({"resident_bytes", most_bytes});
    program.Collect();
    if (program.rank() == 0) report = std::move(measured);
  }  // All leave: the sequential program has the machine to itself.
  if (!report.has_value()) return 0;
  return Conclude(problem, arguments.repeat, *report, *file);
}

}  // namespace farpage::apps
