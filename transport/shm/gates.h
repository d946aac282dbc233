// Sleeping until a word has changed: the futexes in a segment's header. Signal-safe.
#ifndef FARPAGE_TRANSPORT_SHM_GATES_H_
#define FARPAGE_TRANSPORT_SHM_GATES_H_

#include <cstdint>

#include "transport/shm/layout.h"

namespace farpage::transport::shm {

// Nanoseconds of CLOCK_MONOTONIC.
int64_t NowNs();

// Sleeps until gate.changes differs from `seen`, a signal comes or `ns` have passed.
void SleepAtGate(WordGate& gate, uint32_t seen, int64_t ns);

// Wakes all sleepers, in any process.
void OpenGate(WordGate& gate);

// To be called after a word has been changed by a sequentially consistent operation. Cost when
// nobody sleeps: one load.
inline void WakeSleepers(const Segment& segment, uint64_t offset) {
  WordGate& gate = segment.header().gates[GateOf(offset)];
  if (gate.sleepers.load(std::memory_order_seq_cst) != 0) OpenGate(gate);
}

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_GATES_H_
