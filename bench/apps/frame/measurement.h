// What one run of the measured section cost, and the median of several.
#ifndef FARPAGE_BENCH_APPS_FRAME_MEASUREMENT_H_
#define FARPAGE_BENCH_APPS_FRAME_MEASUREMENT_H_

#include <farpage/statistics.h>

#include <chrono>
#include <optional>
#include <vector>

namespace farpage::apps {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Measurement {
  double seconds = 0;      // of the slowest node
  double cpu_seconds = 0;  // processor time of all nodes together, the runtime's threads included
  // Of shared memory only. The shares are of the time of all threads that compute.
  double fault_share = 0;                // in the fault handler
  double barrier_share = 0;              // in barriers and reductions
  std::optional<Statistics> statistics;  // all nodes together
};

// The measurement whose time is the median: of an even number, the faster of the two in the middle.
// There is at least one.
Measurement Median(std::vector<Measurement> measurements);

double Fastest(const std::vector<Measurement>& measurements);
double Slowest(const std::vector<Measurement>& measurements);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_MEASUREMENT_H_
