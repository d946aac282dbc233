// Time, injectable: the simulator has a clock of its own.
#ifndef FARPAGE_RUNTIME_CLOCK_H_
#define FARPAGE_RUNTIME_CLOCK_H_

#include <cstdint>
#include <ctime>

namespace farpage::internal {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds on a clock that never goes back (CLOCK_MONOTONIC where it is real). Signal-safe.
  virtual int64_t NowNs() const = 0;
};

class MonotonicClock final : public Clock {
 public:
  int64_t NowNs() const override {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
  }
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_CLOCK_H_
