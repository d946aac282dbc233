// Times of single operations, and what one says of many.
#ifndef FARPAGE_RUNTIME_CLI_PERF_SAMPLES_H_
#define FARPAGE_RUNTIME_CLI_PERF_SAMPLES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/clock.h"

namespace farpage::cli::perf {

inline int64_t NowNs() { return internal::MonotonicClock().NowNs(); }

// What it costs to read the clock twice, the smallest of many tries. Measured once.
int64_t ClockCostNs();

// In nanoseconds. Percentiles are of the nearest rank; `typical` is the median.
struct Summary {
  double min = 0;
  double max = 0;
  double typical = 0;
  double average = 0;
  double deviation = 0;
  double p99 = 0;
  double p999 = 0;
};

class Samples {
 public:
  // Room for `count` samples is taken and touched now, so that adding them costs no page fault.
  explicit Samples(size_t count);

  // The cost of the clock is taken off.
  void Add(int64_t elapsed_ns);

  // Times one call.
  template <typename Operation>
  void Time(const Operation& operation) {
    const int64_t begin = NowNs();
    operation();
    Add(NowNs() - begin);
  }

  size_t size() const { return size_; }
  // All zero if there are no samples. Sorts.
  Summary Summarize();
  double MedianNs() { return Summarize().typical; }
  // Every sample divided by `parts`: an operation was a part of what was timed.
  void Divide(double parts);

 private:
  std::vector<double> values_;
  size_t size_ = 0;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_SAMPLES_H_
