// Measures several things by turns, so that what disturbs the machine meanwhile hits all of them.
#ifndef FARPAGE_RUNTIME_CLI_PERF_ALTERNATE_H_
#define FARPAGE_RUNTIME_CLI_PERF_ALTERNATE_H_

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <initializer_list>

#include "absl/status/status.h"

namespace farpage::cli::perf {

// Measures iterations begin … end − 1 of one thing.
using Stretch = std::function<absl::Status(uint64_t begin, uint64_t end)>;

// Nodes that take part in the same measurement cut it into the same stretches.
inline uint64_t StretchLength(uint64_t iterations) {
  return std::clamp<uint64_t>(iterations / 32, 1, 256);
}

inline absl::Status Alternate(uint64_t iterations, std::initializer_list<Stretch> things) {
  const uint64_t length = StretchLength(iterations);
  for (uint64_t begin = 0; begin < iterations; begin += length) {
    const uint64_t end = std::min(begin + length, iterations);
    for (const Stretch& thing : things) {
      if (absl::Status ok = thing(begin, end); !ok.ok()) return ok;
    }
  }
  return absl::OkStatus();
}

// Processor time that this thread uses while it lives, added to `total_ns`.
class CpuTime {
 public:
  explicit CpuTime(double& total_ns) : total_ns_(total_ns), begin_ns_(NowOfThreadNs()) {}
  ~CpuTime() { total_ns_ += NowOfThreadNs() - begin_ns_; }
  CpuTime(const CpuTime&) = delete;
  CpuTime& operator=(const CpuTime&) = delete;

 private:
  static double NowOfThreadNs() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }

  double& total_ns_;
  const double begin_ns_;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_ALTERNATE_H_
