#include "bench/apps/mpi/rank_program.h"

#include <mpi.h>

#include <limits>
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

double Reduced(double own, MPI_Op operation) {
  double all = 0;
  MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, operation, MPI_COMM_WORLD);
  return all;
}

Measurement MeasureOnce(RankProgram& program, size_t ranks, size_t rank) {
  program.Prepare(ranks, rank);
  MPI_Barrier(MPI_COMM_WORLD);
  const double cpu_before = CpuSeconds();
  const Stopwatch watch;
  program.Compute(ranks, rank);
  MPI_Barrier(MPI_COMM_WORLD);
  const double seconds = watch.seconds();
  const double cpu_seconds = CpuSeconds() - cpu_before;
  Measurement one;
  one.seconds = Reduced(seconds, MPI_MAX);
  one.cpu_seconds = Reduced(cpu_seconds, MPI_SUM);
  return one;
}

}  // namespace

absl::Status CheckCount(const std::string& option, uint64_t items) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int>::max());
  if (items <= kMost) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      option, ": ", items, " items are too many: MPI counts them with ints, to ", kMost));
}

int RunRanks(int argc, char** argv, Problem& problem, RankProgram& program) {
  MPI_Init(&argc, &argv);
  int own = 0;
  int all = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &own);
  MPI_Comm_size(MPI_COMM_WORLD, &all);
  const auto rank = static_cast<size_t>(own);
  const auto ranks = static_cast<size_t>(all);

  Arguments arguments;
  const std::string name = absl::StrCat(problem.name(), "_mpi");
  if (const std::optional<int> status = ParseArguments(
          argc, argv, name, problem, {.threads = false, .consistency = false}, arguments)) {
    MPI_Finalize();
    return *status;
  }
  std::optional<ReportFile> file;
  if (rank == 0) {
    absl::StatusOr<ReportFile> opened = ReportFile::Open(arguments.json);
    if (!opened.ok()) {
      absl::FPrintF(stderr, "%s: %s\n", name, opened.status().message());
      MPI_Abort(MPI_COMM_WORLD, 1);
      return 1;
    }
    file = *std::move(opened);
  }
  Report report{.application = problem.name(), .version = "mpi"};
  report.nodes = static_cast<uint32_t>(ranks);
  for (uint32_t round = 0; round < arguments.repeat; ++round) {
    report.measurements.push_back(MeasureOnce(program, ranks, rank));
  }
  const double resident = Reduced(static_cast<double>(ResidentBytes()), MPI_MAX);
  report.figures.push_back({"resident_bytes", resident});
  program.Collect(ranks, rank);
  MPI_Finalize();
  // The other ranks have ended, so that the sequential program has the machine to itself: waiting
  // in MPI they would spin.
  return rank == 0 ? Conclude(problem, arguments.repeat, report, *file) : 0;
}

}  // namespace farpage::apps
