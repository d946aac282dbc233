// One state of the modelled cluster: one page, its home, its nodes, what is under way between them.
//
// Page contents are one bit: the last write, or something older. That is enough to see every stale
// read, and sees more than concrete values do: writing the same value twice hides nothing.
#ifndef FARPAGE_TESTS_MODEL_WORLD_H_
#define FARPAGE_TESTS_MODEL_WORLD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "directory/protocol.h"
#include "tests/model/variant.h"

namespace farpage::model {

inline constexpr uint32_t kMostQueued = 12;   // operations posted by one node, not executed yet
inline constexpr uint32_t kMostMessages = 4;  // between one pair of nodes
inline constexpr uint32_t kMostPending = 7;   // effects of one step

enum class Mapping : uint8_t { kNone, kReadOnly, kWritable };
enum class Chain : uint8_t { kIdle, kInFlight, kDone };

enum class MessageKind : uint8_t {
  kNone,
  kAck,
  kNack,
  kInvalidate,
  kFetchShared,
  kFetchExclusive,
  kGrantShared,
  kGrantExclusive,
};
struct Message {
  uint8_t kind : 3 = 0;
  uint8_t current : 1 = 0;  // GRANT: the page in it is the last write
  uint8_t spare : 4 = 0;

  MessageKind Kind() const { return static_cast<MessageKind>(kind); }
};

// An operation that a node has posted to the home.
enum class OpKind : uint8_t {
  kNone,
  kSetBit,          // of `node`
  kClearBit,        // of `node`
  kRelease,         // holder word: poster → none
  kTransfer,        // holder word: poster → `node`
  kCompareAndSwap,  // holder word: none → poster
  kReadHolder,
  kReadBits,  // word `node`
  kReadPage,
  kWritePage,
  kMessage,  // to `node`, travelling behind the operations
};
struct Op {
  Op() = default;
  explicit Op(OpKind its_kind, uint32_t its_node = 0) : kind(its_kind), node(its_node & 7) {}

  OpKind kind = OpKind::kNone;
  uint8_t node : 3 = 0;
  uint8_t last : 1 = 0;     // the end of the chain that is awaited
  uint8_t current : 1 = 0;  // kWritePage, kMessage: the page in it is the last write
  uint8_t message : 3 = 0;
};

inline constexpr uint8_t kWaitsToRead = 1;
inline constexpr uint8_t kWaitsToWrite = 2;

// Node ids below are plain numbers; "plus one" where 0 stands for none.
struct NodeView {
  // The protocol's own state, see directory::PageState.
  directory::State state = directory::State::kInvalid;
  uint8_t own_bit : 1 = 0;
  uint8_t poisoned : 1 = 0;
  uint8_t mapped : 1 = 0;
  uint8_t page_here : 1 = 0;
  uint8_t partner_plus_one : 4 = 0;
  uint8_t need = 0;     // a set
  uint8_t waiting = 0;  // kWaitsToRead, kWaitsToWrite: a thread that has no access yet

  // What the runtime around it has.
  Mapping mapping = Mapping::kNone;
  uint8_t copy_current : 1 = 0;     // the mapped copy is the last write
  uint8_t landing_current : 1 = 0;  // the landing buffer's contents are
  uint8_t captured : 1 = 0;         // a copy lies aside …
  uint8_t captured_current : 1 = 0;
  uint8_t hold : 1 = 0;  // kHoldOver is to come
  uint8_t stopped : 1 = 0;
  uint8_t knows_stopped : 1 = 0;  // … that another node has stopped
  uint8_t spare : 1 = 0;
  Chain chain = Chain::kIdle;  // the awaited one
  uint8_t found_plus_one = 0;  // its result: the holder
  uint8_t found_sharers = 0;   // its result: the bits
  uint8_t deferred_count = 0;
  uint8_t pending_count = 0;
  uint8_t queued = 0;
  std::array<uint8_t, kMostNodes - 1> deferred{};  // node · 2 + exclusive, in order of arrival
  std::array<uint8_t, kMostPending> pending{};  // effects to be carried out: kind · 8 + peer + 1
  std::array<Op, kMostQueued> queue{};
};

struct World {
  uint8_t holder_plus_one = 0;
  uint8_t bits = 0;
  uint8_t frame_current = 1;
  uint8_t home_stopped = 0;
  std::array<NodeView, kMostNodes> nodes{};
  // [from][to]
  std::array<std::array<std::array<Message, kMostMessages>, kMostNodes>, kMostNodes> channels{};

  // How many messages are under way between the two.
  uint32_t MessageCount(uint32_t from, uint32_t to) const;
};
static_assert(std::has_unique_object_representations_v<World>, "hashed and compared as bytes");

// The world with every node `n` renamed to `name[n]`.
World Renamed(const World& world, const std::array<uint8_t, kMostNodes>& name, uint32_t nodes);

// Equal for worlds that differ only in the names of exchangeable nodes, and, but for a chance of
// 2^-64, for no others. Time: of n! namings, only those that an order by local features leaves
// open.
uint64_t Fingerprint(const World& world, const Variant& variant);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_WORLD_H_
