// The end of every version of an application: the sequential program, the judgement, the report.
#ifndef FARPAGE_BENCH_APPS_FRAME_CONCLUDE_H_
#define FARPAGE_BENCH_APPS_FRAME_CONCLUDE_H_

#include <cstdint>

#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/report.h"

namespace farpage::apps {

// Completes `report`, which has the version's measurements, prints it on standard output and writes
// it to `file`. What is judged is the last repetition's result. Gives the exit status: 0 verified
// and written, else 1.
int Conclude(Problem& problem, uint32_t repeat, Report& report, ReportFile& file);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_CONCLUDE_H_
