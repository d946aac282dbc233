#include "bench/apps/frame/fault_clock.h"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>

namespace farpage::apps {

namespace {

using Clock = std::chrono::steady_clock;

// Plain data that a signal handler may use.
std::atomic<int64_t> nanoseconds{0};
struct Measured {
  int signal;
  struct sigaction handler;
};
std::array<Measured, 2> measured = {{{SIGBUS, {}}, {SIGSEGV, {}}}};

void MeasureHandler(int signal, siginfo_t* info, void* context) {
  const Clock::time_point start = Clock::now();
  const struct sigaction& handler = measured[signal == SIGBUS ? 0 : 1].handler;
  if ((handler.sa_flags & SA_SIGINFO) != 0) {
    handler.sa_sigaction(signal, info, context);
  } else {
    // Nobody handles it: what happens when the access is tried again without us is right.
    std::signal(signal, SIG_DFL);
  }
  nanoseconds.fetch_add(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count(),
      std::memory_order_relaxed);
}

}  // namespace

FaultClock::FaultClock() {
  nanoseconds = 0;
  for (Measured& one : measured) {
    sigaction(one.signal, nullptr, &one.handler);
    struct sigaction action = one.handler;
    action.sa_flags |= SA_SIGINFO;
    action.sa_sigaction = &MeasureHandler;
    sigaction(one.signal, &action, nullptr);
  }
}

FaultClock::~FaultClock() {
  for (const Measured& one : measured) sigaction(one.signal, &one.handler, nullptr);
}

double FaultClock::seconds() const { return 1e-9 * static_cast<double>(nanoseconds.load()); }

}  // namespace farpage::apps
