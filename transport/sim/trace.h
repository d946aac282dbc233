// What happened in a simulation: the last events in full, and a hash of all of them.
#ifndef FARPAGE_TRANSPORT_SIM_TRACE_H_
#define FARPAGE_TRANSPORT_SIM_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "transport/sim/random.h"

namespace farpage::transport::sim {

struct TraceEvent {
  int64_t when_ns = 0;
  uint16_t kind = 0;  // a TraceKind, or kFirstOther and up: whoever records it knows
  uint16_t node = 0;
  uint16_t other = 0;
  uint64_t subject = 0;  // an address, a page …
  uint64_t detail = 0;
};

enum TraceKind : uint16_t {
  kTracePost,      // node posted to other: subject = sequence number, detail = operations
  kTraceExecute,   // node's operation was executed at other: subject = address, detail = opcode
  kTraceSend,      // node sent other a message: subject = its first 8 bytes
  kTraceDeliver,   // … which arrived in other's mailbox
  kTraceComplete,  // a chain of node to other has ended: detail = fate
  kTraceTold,      // node was told that other has failed
  kTraceDied,      // node died
  kTraceStopped,   // node stopped for a while: detail = ns
  kFirstOther = 64,
};

// Two executions with equal hashes were, for all that matters, the same. Not thread-safe.
class Trace {
 public:
  // Keeps the last `capacity` events.
  explicit Trace(size_t capacity = size_t{1} << 15) : ring_(capacity) {}

  void Add(const TraceEvent& event) {
    ring_[count_ % ring_.size()] = event;
    ++count_;
    const uint64_t who = uint64_t{event.kind} << 32 | uint64_t{event.node} << 16 | event.other;
    hash_ = Random::Mix(hash_ ^ static_cast<uint64_t>(event.when_ns));
    hash_ = Random::Mix(hash_ ^ who) + event.subject;
    hash_ = Random::Mix(hash_ ^ event.detail);
  }

  uint64_t hash() const { return hash_; }
  uint64_t count() const { return count_; }

  // Calls visit(event) for the events that are kept, oldest first.
  template <typename Visit>
  void ForEach(Visit visit) const {
    const uint64_t first = count_ > ring_.size() ? count_ - ring_.size() : 0;
    for (uint64_t index = first; index < count_; ++index) visit(ring_[index % ring_.size()]);
  }

 private:
  std::vector<TraceEvent> ring_;
  uint64_t count_ = 0;
  uint64_t hash_ = 0;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_TRACE_H_
