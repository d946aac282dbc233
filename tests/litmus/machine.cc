#include "tests/litmus/machine.h"

namespace farpage::litmus {

void RunThread(const Program& program, uint32_t thread, Machine& machine, std::minstd_rand& random,
               int64_t longest_delay_ns, std::span<uint64_t> values) {
  size_t next = 0;
  for (const auto& [first, second] : program.in_turn) {
    if (second == thread) machine.AwaitEnd(first);
  }
  for (const Access& access : program.threads[thread]) {
    // Often none at all: then nothing but the memory itself keeps the accesses apart.
    if (longest_delay_ns > 0 && random() % 3 != 0) {
      machine.Delay(static_cast<int64_t>(random() % static_cast<uint64_t>(longest_delay_ns)));
    }
    if (access.write) {
      machine.Store(access.location, access.value);
    } else {
      values[next++] = machine.Load(access.location);
    }
  }
  machine.TellEnd();
}

}  // namespace farpage::litmus
