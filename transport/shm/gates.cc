#include "transport/shm/gates.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace farpage::transport::shm {

int64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

void SleepAtGate(WordGate& gate, uint32_t seen, int64_t ns) {
  const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
  ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(&gate.changes), FUTEX_WAIT, seen, &limit,
            nullptr, 0);
}

void OpenGate(WordGate& gate) {
  gate.changes.fetch_add(1, std::memory_order_seq_cst);
  ::syscall(SYS_futex, reinterpret_cast<uint32_t*>(&gate.changes), FUTEX_WAKE, INT_MAX, nullptr,
            nullptr, 0);
}

}  // namespace farpage::transport::shm
