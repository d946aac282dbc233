// Value types of the transport layer. A number that means one thing has a type of its own.
#ifndef FARPAGE_TRANSPORT_TYPES_H_
#define FARPAGE_TRANSPORT_TYPES_H_

#include <compare>
#include <cstddef>
#include <cstdint>

namespace farpage {

// Largest number of nodes in one cluster. A node id fits 16 bits everywhere, "none" included.
inline constexpr uint32_t kMaxNodes = 1024;

// Rank of a node in its cluster: 0 … size − 1.
class NodeId {
 public:
  constexpr NodeId() = default;
  constexpr explicit NodeId(uint32_t value) : value_(static_cast<uint16_t>(value)) {}
  static constexpr NodeId None() { return NodeId(); }

  constexpr uint16_t value() const { return value_; }
  constexpr bool valid() const { return value_ != kNone; }
  friend constexpr auto operator<=>(NodeId, NodeId) = default;

 private:
  static constexpr uint16_t kNone = 0xFFFF;
  uint16_t value_ = kNone;
};

namespace transport {

// Names registered memory in work requests of the node that owns it (verbs: lkey).
struct LocalKey {
  uint32_t value = 0;
};

// Names registered memory in work requests of other nodes (verbs: rkey).
struct RemoteKey {
  uint32_t value = 0;
  friend constexpr bool operator==(RemoteKey, RemoteKey) = default;
};

// A place in a peer's registered memory. Trivially copyable: it is sent to peers as bytes.
struct RemoteAddress {
  uint64_t address = 0;  // in the terms of the node that owns the memory
  RemoteKey key;
  uint32_t reserved = 0;

  constexpr RemoteAddress operator+(uint64_t bytes) const {
    return RemoteAddress{address + bytes, key, 0};
  }
  friend constexpr bool operator==(const RemoteAddress&, const RemoteAddress&) = default;
};
static_assert(sizeof(RemoteAddress) == 16);

// What became of something on the data path. Set-up errors are absl::Status instead.
enum class Fate : uint8_t {
  kOk,          // done
  kPending,     // posted; the completion comes out of Poll()
  kPeerFailed,  // the peer is gone, or its connection broke: nothing reaches it any more
  kBadAddress,  // outside the registered memory, a stale or foreign key, or misaligned
  kNoCredit,    // the peer's mailbox is full: try again after it has received
  kTimedOut,    // the deadline passed first
};

// Returns a constant like "peer failed".
const char* FateName(Fate fate);

}  // namespace transport
}  // namespace farpage

#endif  // FARPAGE_TRANSPORT_TYPES_H_
