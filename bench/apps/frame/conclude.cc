#include "bench/apps/frame/conclude.h"

#include <iostream>

#include "absl/strings/str_format.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_usage.h"

namespace farpage::apps {

int Conclude(Problem& problem, uint32_t repeat, Report& report, ReportFile& file) {
  for (uint32_t round = 0; round < repeat; ++round) {
    problem.PreparePlain();
    const double cpu_before = CpuSeconds();
    const Stopwatch watch;
    problem.ComputePlain();
    Measurement plain;
    plain.seconds = watch.seconds();
    plain.cpu_seconds = CpuSeconds() - cpu_before;
    report.plain.push_back(plain);
  }
  report.verified = problem.Verify();
  const std::vector<Figure> figures = problem.Figures(Median(report.measurements).seconds);
  report.figures.insert(report.figures.begin(), figures.begin(), figures.end());
  Print(report, std::cout);
  if (const absl::Status written = file.Write(ToJson(report)); !written.ok()) {
    absl::FPrintF(stderr, "%s: %s\n", problem.name(), written.message());
    return 1;
  }
  return report.verified.ok() ? 0 : 1;
}

}  // namespace farpage::apps
