// What a queue lock keeps in registered memory.
#ifndef FARPAGE_RUNTIME_SYNC_LOCK_WORDS_H_
#define FARPAGE_RUNTIME_SYNC_LOCK_WORDS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "transport/types.h"

namespace farpage::internal {

// A node in a lock word. Zero means none, as in fresh memory.
constexpr uint64_t TicketOf(NodeId node) { return uint64_t{node.value()} + 1; }
constexpr NodeId NodeOfTicket(uint64_t ticket) { return NodeId(static_cast<uint32_t>(ticket - 1)); }

// LockWords::waits_for of a node that holds the lock.
inline constexpr uint64_t kHolds = UINT64_MAX;

// One lock's part of one node's memory. The node's threads use it one at a time.
struct alignas(64) LockWords {
  // The last in the queue, a ticket; or a BreakMark. Used at the lock's home only, and changed only
  // by fabric atomics.
  std::atomic<uint64_t> tail;
  // The node's place in the queue. `next` and `granted` are written once each by the node behind
  // and by the node before, and reset by the owner before it queues.
  alignas(64) std::atomic<uint64_t> next;       // ticket of the node behind
  std::atomic<uint64_t> granted;                // 1: handed over
  std::atomic<uint64_t> waits_for;              // ticket of the node before, kHolds, or 0
  std::array<std::atomic<uint64_t>, 2> result;  // where fabric operations put what they found
};
static_assert(sizeof(LockWords) == 128);
static_assert(offsetof(LockWords, waits_for) == offsetof(LockWords, granted) + 8);

// Why nobody can have the lock any more. Once it stands in `tail`, it stays.
struct BreakMark {
  enum class Reason : uint8_t {
    kDied,    // the culprit died while it held the lock or waited for it
    kSilent,  // the culprit queued, but the node before it was never told
  };
  Reason reason = Reason::kDied;
  NodeId culprit;

  static constexpr uint64_t kBit = uint64_t{1} << 63;
  static constexpr bool Is(uint64_t tail) { return (tail & kBit) != 0; }
  constexpr uint64_t Encode() const {
    return kBit | uint64_t{static_cast<uint8_t>(reason)} << 16 | culprit.value();
  }
  static constexpr BreakMark Decode(uint64_t tail) {
    return {static_cast<Reason>(tail >> 16 & 0xFF), NodeId(static_cast<uint32_t>(tail & 0xFFFF))};
  }
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_LOCK_WORDS_H_
