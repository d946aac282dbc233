// How long this process's threads have been in the fault handler.
#ifndef FARPAGE_BENCH_APPS_FRAME_FAULT_CLOCK_H_
#define FARPAGE_BENCH_APPS_FRAME_FAULT_CLOCK_H_

namespace farpage::apps {

// While it lives, SIGBUS and SIGSEGV go through a handler that measures the one before. Made after
// the node has joined, and destroyed before it leaves; one at a time. Costs two readings of the
// clock a fault.
class FaultClock {
 public:
  FaultClock();
  ~FaultClock();
  FaultClock(const FaultClock&) = delete;
  FaultClock& operator=(const FaultClock&) = delete;

  // Sum over all threads so far.
  double seconds() const;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_FAULT_CLOCK_H_
