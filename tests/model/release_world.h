// One state of a modelled cluster with release consistency: a few pages of a few bytes, their
// homes' frames, the nodes' copies, logs and clocks, what is under way between them, locks, a
// barrier.
//
// Contents are one bit per byte: whether it differs from the byte's last write. A write inverts
// what the writer knows to be the byte's value, so that two writes restore what was there, as real
// programs may. The value that is right is therefore always 0, wherever it lies.
//
// What a program without data races may do is not a list of programs: the model keeps, for each
// byte, after whose last write who is ordered, and lets a node access it if it is ordered after it.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_WORLD_H_
#define FARPAGE_TESTS_MODEL_RELEASE_WORLD_H_

#include <array>
#include <cstdint>
#include <type_traits>

#include "directory/release_protocol.h"

namespace farpage::release_model {

inline constexpr uint32_t kMostNodes = 3;
inline constexpr uint32_t kMostPages = 2;
inline constexpr uint32_t kMostBytes = 4;  // of a page: two words of two bytes each
inline constexpr uint32_t kWordBytes = 2;
inline constexpr uint32_t kMostLocks = 2;
inline constexpr uint32_t kMostRing = 2;  // entries of a log before it wraps
inline constexpr uint32_t kMostQueued = 6;
inline constexpr uint32_t kMostNotices = kMostPages + 1;

// A bit per byte of a page. The same type for sets of pages, nodes and locks.
using Bits = uint8_t;

enum class Mapping : uint8_t { kNone, kReadOnly, kWritable };

// What a node has posted to a page's home. One connection executes in order.
enum class OpKind : uint8_t { kNone, kDiff, kFetch, kFence };
struct Op {
  OpKind kind = OpKind::kNone;
  uint8_t page = 0;
  Bits mask = 0;    // kDiff: which bytes
  Bits values = 0;  // … and what they become
};

enum class Fetch : uint8_t { kNone, kPosted, kLanded };

// A page, as one node has it.
struct Copy {
  directory::ReleasePage page;  // the protocol's own
  Mapping mapping = Mapping::kNone;
  Bits content = 0;  // of the mapping; at home that is the frame instead
  Bits twin = 0;
  Bits landing = 0;
  Fetch fetch = Fetch::kNone;
  uint8_t to_write : 1 = 0;  // the fetch is for a writer
  uint8_t has_twin : 1 = 0;
  uint8_t in_list : 1 = 0;  // of what the next release looks at
  uint8_t pinned : 1 = 0;
  uint8_t pending_count : 4 = 0;
  std::array<directory::ReleaseEffect, 5> pending{};  // effects of a step still to be carried out
};

// Where a node is in what synchronisation does.
enum class Phase : uint8_t {
  kIdle,
  kQueued,        // behind others for a lock
  kReadEntries,   // acquire: of the logs of `unread`
  kReadReserved,  // … how far that log may have been overwritten
  kDrop,          // … what was named
  kSent,          // release: the diffs are posted; the notices follow when they have arrived
  kAppend,        // … the log's entries may be overwritten from now on
  kBarrier,       // arrived, others have not
};

// A clock's entry, or a log's length: a number that is compared with others of the same log only.
// See Normalise(). 0 is older than any.
using Count = uint8_t;
using Clock = std::array<Count, kMostNodes>;
inline constexpr Count kNewest = 40;  // the length of every log

inline constexpr uint8_t kBarrierGoal = kMostLocks;

struct NodeView {
  std::array<Copy, kMostPages> copies{};
  Clock seen{};
  Clock clock{};  // of the acquire or release under way
  Count length = kNewest;
  Count reserved = kNewest;
  std::array<Bits, kMostRing> ring{};  // the pages that entries name, the newest entry first
  Phase phase = Phase::kIdle;
  uint8_t goal = 0;         // the lock to leave, or kBarrierGoal
  Bits unread = 0;          // nodes whose logs are to be read
  uint8_t reading = 0;      // kReadReserved: whose log
  Bits named = 0;           // pages
  uint8_t all_dropped = 0;  // a log was overrun
  uint8_t notice_count = 0;
  std::array<Bits, kMostNotices> notices{};  // to be appended
  Bits held = 0;                             // locks
  // What the program may still do.
  uint8_t acquisitions = 0;
  uint8_t barriers = 0;
  uint8_t stores = 0;
  uint8_t others = 0;     // notices of pages that are not modelled
  uint8_t next_step = 0;  // of a litmus test's thread
  uint8_t missed = 0;     // … it read an old value
  uint8_t queued = 0;
  std::array<Op, kMostQueued> queue{};
};

struct Lock {
  uint8_t holder_plus_one = 0;
  uint8_t waiting = 0;
  std::array<uint8_t, kMostNodes> queue{};
  Clock clock{};  // of the last release, while the lock is free
};

// After whose last write of a byte what is ordered: bits of nodes, of nodes that will be once their
// acquire is done, of locks, of the barrier.
using Order = uint16_t;
constexpr Order OrderOfNode(uint32_t node) { return static_cast<Order>(1u << node); }
constexpr Order OrderOfAcquire(uint32_t node) { return static_cast<Order>(8u << node); }
constexpr Order OrderOfLock(uint32_t lock) { return static_cast<Order>(64u << lock); }
inline constexpr Order kOrderOfBarrier = 256;

struct World {
  std::array<std::array<Order, kMostBytes>, kMostPages> order{};
  std::array<Bits, kMostPages> frames{};
  Bits arrived = 0;  // at the barrier
  Clock lengths{};   // of those who arrived
  std::array<Lock, kMostLocks> locks{};
  std::array<NodeView, kMostNodes> nodes{};
};
static_assert(std::has_unique_object_representations_v<World>, "hashed and compared as bytes");

// What is modelled, and how much the nodes may do: all that is finite without limits is free.
struct Variant {
  static constexpr uint8_t kNobody = 0xFF;
  static constexpr uint8_t kUnlimited = 0xFF;

  const char* name = "";
  uint32_t nodes = 2;
  uint32_t pages = 1;
  uint32_t bytes = 2;  // of a page
  uint32_t locks = 1;
  uint32_t ring = 1;
  std::array<uint8_t, kMostPages> homes{};  // nodes, or kNobody: memory of a node that only serves
  bool direct = false;  // frames are mapped by all: what is posted is executed at once
  bool evict = true;
  bool pins = false;
  bool failures = false;  // a fetch may fail
  // A log is read at once and appended to at once; what is found is dropped then too.
  bool coarse = false;
  bool touch_to_write = true;  // a write fault may come long before the write
  // Per node; what kUnlimited.
  uint8_t acquisitions = 2;
  uint8_t barriers = 1;
  uint8_t stores = 2;
  uint8_t others = 1;

  bool AtHome(uint32_t node, uint32_t page) const { return homes[page] == node; }
  bool Exchangeable(uint32_t node) const {
    for (uint32_t page = 0; page < pages; ++page) {
      if (homes[page] == node) return false;
    }
    return true;
  }
};

World StartOf(const Variant& variant);

// Numbers every log's entries anew, so that states that differ only in how long ago things were
// are the same: what lies within a ring of the log's end keeps its distance, older is only older.
void Normalise(World& world, const Variant& variant);

// Equal for worlds that differ only in the names of nodes that are nobody's home.
uint64_t Fingerprint(const World& world, const Variant& variant);

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_WORLD_H_
