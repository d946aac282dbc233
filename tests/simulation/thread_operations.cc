#include "tests/simulation/thread_operations.h"

#include <mutex>

#include "runtime/futex.h"
#include "transport/sim/scheduler.h"

namespace farpage::simulation {
namespace {

using transport::sim::Scheduler;

constexpr int64_t kYieldNs = 100;

internal::ThreadOperations others;

void Wait(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns) {
  Scheduler* scheduler = Scheduler::Current();
  if (scheduler == nullptr || !scheduler->InThread()) {
    others.wait(word, value, deadline_ns);
  } else if (word->load() == value && scheduler->now_ns() < deadline_ns) {
    scheduler->Wait(word, deadline_ns);
  }
}

void WakeAll(const std::atomic<uint32_t>* word) {
  Scheduler* scheduler = Scheduler::Current();
  if (scheduler == nullptr) {
    others.wake_all(word);
  } else {
    const transport::sim::Processors& processors = scheduler->processors();
    if (processors.call_ns > 0) scheduler->Advance(processors.call_ns);
    scheduler->WakeAll(word, processors.wake_ns);
  }
}

void Yield() {
  Scheduler* scheduler = Scheduler::Current();
  if (scheduler == nullptr || !scheduler->InThread()) {
    others.yield();
  } else {
    scheduler->Advance(kYieldNs);
    scheduler->GiveWay();
  }
}

}  // namespace

void SimulateThreadOperations() {
  static std::once_flag once;
  std::call_once(once, [] {
    others = internal::ReplaceThreadOperations({&Wait, &WakeAll, &Yield});
  });
}

}  // namespace farpage::simulation
