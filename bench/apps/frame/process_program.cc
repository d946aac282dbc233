#include "bench/apps/frame/process_program.h"

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

int RunInProcess(int argc, char** argv, Problem& problem, ProcessProgram& program) {
  Arguments arguments;
  const std::string name = absl::StrCat(problem.name(), "_", program.version());
  if (const std::optional<int> status =
          ParseArguments(argc, argv, name, problem, {.consistency = false}, arguments)) {
    return *status;
  }
  absl::StatusOr<ReportFile> file = ReportFile::Open(arguments.json);
  if (!file.ok()) {
    absl::FPrintF(stderr, "%s: %s\n", name, file.status().message());
    return 1;
  }
  Report report{
      .application = problem.name(), .version = program.version(), .threads = arguments.threads};
  for (uint32_t round = 0; round < arguments.repeat; ++round) {
    program.Prepare(arguments.threads);
    const double cpu_before = CpuSeconds();
    const Stopwatch watch;
    program.Compute(arguments.threads);
    Measurement one;
    one.seconds = watch.seconds();
    one.cpu_seconds = CpuSeconds() - cpu_before;
    report.measurements.push_back(one);
  }
  report.figures.push_back({"resident_bytes", static_cast<double>(ResidentBytes())});
  program.Collect();
  return Conclude(problem, arguments.repeat, report, *file);
}

}  // namespace farpage::apps
