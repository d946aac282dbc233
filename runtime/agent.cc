#include "runtime/agent.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace farpage::internal {

namespace {

// As the kernel has it (sched_setattr(2), its first version): glibc does not yet.
struct SchedulingAttributes {
  uint32_t size = 48;
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // of an ordinary thread, from Linux 6.12 on: its slice
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// Threads of other nodes wait for this one, which works for microseconds at a time. Where all
// processors compute, a woken thread waits until the slice of one that runs is over: milliseconds,
// unless its own is shorter. It gets no more of the processor for that. An older kernel takes no
// notice, and nothing depends on it.
void AskForShortSlices() {
  constexpr uint64_t kShortestSliceNs = 100'000;
  SchedulingAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
      attributes.policy != SCHED_OTHER) {
    return;
  }
  attributes.runtime_ns = kShortestSliceNs;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

Agent::Agent(Fabric& fabric, Engine& engine, bootstrap::Membership& membership, int64_t spin_ns)
    : loop_(fabric, engine, membership, spin_ns) {
  // The application's signals go to the application's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "farpage-agent");
    AskForShortSlices();
    loop_.Run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Agent::~Agent() {
  loop_.Stop();
  thread_.join();
}

}  // namespace farpage::internal
