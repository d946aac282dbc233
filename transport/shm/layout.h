// What lies in a node's segment: memory that every node of the host maps.
//
//   SegmentHeader | one ring of mailbox slots per sender | allocations …
//
// Everything works by position in the segment, for it is mapped at a different address everywhere.
// A fresh segment is zeroed, and zero is a valid start for every part but the first line.
#ifndef FARPAGE_TRANSPORT_SHM_LAYOUT_H_
#define FARPAGE_TRANSPORT_SHM_LAYOUT_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "transport/transport.h"
#include "transport/types.h"

namespace farpage::transport::shm {

inline constexpr uint64_t kMagic = 0x4547'4150'5241'4601;  // "\1FARPAGE"
inline constexpr uint32_t kLayoutVersion = 1;
inline constexpr size_t kPageBytes = 4096;

// A RemoteKey: index into the owner's key table, owner, and how often the entry was used. So a key
// of another node never matches, and a key of freed memory only after the entry was used again
// kKeyGenerations times (entries are reused in turn: millions of allocations).
inline constexpr uint32_t kKeyIndexBits = 12;
inline constexpr uint32_t kKeyNodeBits = 10;
inline constexpr uint32_t kKeys = 1u << kKeyIndexBits;
inline constexpr uint32_t kKeyGenerations = (1u << (32 - kKeyIndexBits - kKeyNodeBits)) - 1;
static_assert(1u << kKeyNodeBits == kMaxNodes);

// `generation` is 1 … kKeyGenerations, so that no key is zero.
constexpr RemoteKey MakeKey(uint32_t index, NodeId owner, uint32_t generation) {
  return {generation << (kKeyIndexBits + kKeyNodeBits) |
          static_cast<uint32_t>(owner.value()) << kKeyIndexBits | index};
}

// One allocation. Written by the owner; `key` last when it becomes valid, first when it ends.
struct alignas(32) KeyEntry {
  std::atomic<uint32_t> key{0};  // the whole key; 0: free
  std::atomic<uint64_t> begin{0};
  std::atomic<uint64_t> end{0};
};

// Where threads of the owner sleep until a word has changed. A futex has 32 bits and a word 64, so
// they sleep on a count of changes; words share gates by their position.
struct alignas(64) WordGate {
  std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> changes{0};  // the futex
};
inline constexpr size_t kWordGates = 64;

constexpr size_t GateOf(uint64_t offset) {
  return static_cast<size_t>(((offset >> 3) * 0x9E37'79B9'7F4A'7C15u) >> 58);
}

// A message on its way. In lap L of the ring the slot is free at turn 2L and full at 2L + 1.
struct alignas(64) MailboxSlot {
  std::atomic<uint64_t> turn{0};
  Message message;
};
static_assert(sizeof(MailboxSlot) == 64);

// One bit per node.
using NodeBits = std::array<std::atomic<uint64_t>, kMaxNodes / 64>;

struct SegmentHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t nodes;
  uint32_t mailbox_slots;  // a power of two
  uint32_t node;           // the owner
  uint64_t bytes;          // of the segment, all of it

  // How the owner hears of messages: written by the owner, read by senders.
  alignas(64) std::atomic<uint32_t> pollers;  // threads between BeginPolling() and EndPolling()
  std::atomic<uint32_t> asleep;               // 1: a thread sleeps in WaitForEvents(), no bell yet
  alignas(64) NodeBits mail;                  // senders whose ring may hold messages
  alignas(64) NodeBits departed;              // nodes that have closed their transport
  alignas(64) std::array<WordGate, kWordGates> gates;
  std::array<KeyEntry, kKeys> keys;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::atomic<uint32_t>::is_always_lock_free);
static_assert(offsetof(SegmentHeader, pollers) == 64);
static_assert(offsetof(SegmentHeader, mail) == 128);
static_assert(sizeof(WordGate) == 64 && sizeof(KeyEntry) == 32 && sizeof(NodeBits) == 128);

constexpr uint64_t RoundUpToPages(uint64_t bytes) {
  return (bytes + kPageBytes - 1) & ~uint64_t{kPageBytes - 1};
}

inline constexpr uint64_t kRingsOffset = RoundUpToPages(sizeof(SegmentHeader));

constexpr uint64_t RingBytes(uint32_t slots) { return uint64_t{slots} * sizeof(MailboxSlot); }

// First byte of the allocations.
constexpr uint64_t ArenaOffset(uint32_t nodes, uint32_t slots) {
  return RoundUpToPages(kRingsOffset + nodes * RingBytes(slots));
}

// A segment as it is mapped here.
struct Segment {
  std::byte* base = nullptr;
  uint64_t bytes = 0;

  SegmentHeader& header() const { return *reinterpret_cast<SegmentHeader*>(base); }
  MailboxSlot* ring(uint32_t sender, uint32_t slots) const {
    return reinterpret_cast<MailboxSlot*>(base + kRingsOffset + sender * RingBytes(slots));
  }

  // The memory `from` names, or null if the key or the range is bad; always within the segment,
  // whatever its owner wrote there. A few ns: this is on the path of every operation.
  std::byte* Resolve(RemoteAddress from, uint64_t length) const {
    const KeyEntry& entry = header().keys[from.key.value & (kKeys - 1)];
    if (entry.key.load(std::memory_order_acquire) != from.key.value) return nullptr;
    const uint64_t begin = entry.begin.load(std::memory_order_relaxed);
    const uint64_t end = entry.end.load(std::memory_order_relaxed);
    if (from.address < begin || from.address >= end || length > end - from.address) return nullptr;
    if (end > bytes) return nullptr;
    return base + from.address;
  }
};

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_LAYOUT_H_
