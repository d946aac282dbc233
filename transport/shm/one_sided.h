// One-sided operations on a peer's segment: loads, stores and processor atomics.
#ifndef FARPAGE_TRANSPORT_SHM_ONE_SIDED_H_
#define FARPAGE_TRANSPORT_SHM_ONE_SIDED_H_

#include <span>

#include "transport/shm/layout.h"
#include "transport/transport.h"

namespace farpage::transport::shm {

// Executes `chain` in order and returns kOk, or stops at the first operation that is malformed or
// names memory it may not reach and returns kBadAddress. When it returns, what was written can be
// seen by all, and nothing that follows is read earlier. Signal-safe.
Fate Execute(const Segment& target, std::span<const Operation> chain);

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_ONE_SIDED_H_
