#include "runtime/futex.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#include <utility>

namespace farpage::internal {
namespace {

void KernelWait(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns) {
  timespec deadline{};
  deadline.tv_sec = deadline_ns / 1'000'000'000;
  deadline.tv_nsec = deadline_ns % 1'000'000'000;
  // WAIT_BITSET takes an absolute time, WAIT a relative one.
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, &deadline, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

void KernelWakeAll(const std::atomic<uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void KernelYield() { sched_yield(); }

constinit ThreadOperations thread_operations = {&KernelWait, &KernelWakeAll, &KernelYield};

}  // namespace

void FutexWait(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns) {
  thread_operations.wait(word, value, deadline_ns);
}

void FutexWakeAll(const std::atomic<uint32_t>* word) { thread_operations.wake_all(word); }

void YieldThread() { thread_operations.yield(); }

ThreadOperations ReplaceThreadOperations(const ThreadOperations& operations) {
  return std::exchange(thread_operations, operations);
}

}  // namespace farpage::internal
