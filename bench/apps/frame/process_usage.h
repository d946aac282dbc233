// What the kernel has counted of this process.
#ifndef FARPAGE_BENCH_APPS_FRAME_PROCESS_USAGE_H_
#define FARPAGE_BENCH_APPS_FRAME_PROCESS_USAGE_H_

#include <cstdint>

namespace farpage::apps {

// Processor time of all threads so far, in the kernel too.
double CpuSeconds();

// Memory of this process that is resident; what it shares with others counts by its part (the
// proportional set size), so that the sum over all processes is what they use together. 0 where
// the kernel does not tell.
uint64_t ResidentBytes();

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_PROCESS_USAGE_H_
