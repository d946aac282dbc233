// Resources of pages in transition: registered buffers, the set of awaited ACKs, deferred requests.
// A bounded number, made once; nothing is allocated on the miss path.
#ifndef FARPAGE_RUNTIME_ENGINE_SLOTS_H_
#define FARPAGE_RUNTIME_ENGINE_SLOTS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "directory/entry.h"
#include "directory/node_set.h"
#include "runtime/engine/page_record.h"
#include "runtime/engine/region.h"
#include "runtime/fabric.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"
#include "transport/transport.h"

namespace farpage::internal {

class Engine;

// A FETCH that another node sent.
struct Request {
  NodeId from;
  bool exclusive = false;
  transport::RemoteAddress landing;  // where `from` wants the page
};

// A piece of registered memory of this node.
struct Buffer {
  std::byte* data = nullptr;
  transport::LocalKey key;
  transport::RemoteAddress remote;
};

struct Slot;

// A chain that only keeps a slot's buffers in use until it has ended.
struct Drain : PostedChain {
  Slot* slot = nullptr;
};

// What a page in transition owns. Guarded by the page's lock, except `users`, and `page`, which may
// be looked at without it. As a PostedChain it is the chain the page awaits.
struct Slot : PostedChain {
  enum class Awaiting : uint8_t { kNothing, kReadChain, kWriteChain, kPage, kHandOver };
  static constexpr size_t kDeferred = 16;

  Engine* engine = nullptr;
  uint16_t index = 0;
  bool serving = false;  // of the pool for requests and evictions
  Awaiting awaiting = Awaiting::kNothing;
  std::atomic<PageId> page{};
  Buffer landing;        // one page
  Buffer result_buffer;  // one directory entry
  directory::NodeSet need;
  std::array<Request, kDeferred> deferred;
  uint8_t deferred_count = 0;
  Request request;      // kHandOver: who gets the page
  uint32_t chains = 0;  // posted for this miss
  uint32_t messages = 0;
  NodeId dead_holder;  // found in the holder word and known to be dead: see Engine::LookAgain()
  std::array<Drain, 2> drains;
  std::atomic<uint32_t> users{0};  // the page, and each drain in flight

  uint64_t* results() const { return reinterpret_cast<uint64_t*>(result_buffer.data); }
};

// A chain that fetches several pages at once, or makes several that are here for reading writable.
struct Run : PostedChain {
  static constexpr uint32_t kMaxPages = 64;

  Engine* engine = nullptr;
  uint16_t index = 0;
  Region* region = nullptr;
  uint64_t first = 0;  // index in the region
  uint32_t pages = 0;
  uint32_t wanted = 0;  // of these, pages somebody waits for: 0 or 1
  Access access = Access::kRead;
  bool upgrade = false;  // the pages are here for reading; each has a slot of its own
  Buffer landing;        // kMaxPages pages; unused with direct access
  Buffer result_buffer;  // kMaxPages entries
  Buffer swap_buffer;    // kMaxPages old values of compare-and-swap
  uint64_t* entry(uint32_t page, const directory::EntryLayout& layout) const {
    return reinterpret_cast<uint64_t*>(result_buffer.data + page * layout.bytes());
  }
  uint64_t swapped(uint32_t page) const {
    return reinterpret_cast<const uint64_t*>(swap_buffer.data)[page];
  }
};

// Thread-safe, signal-safe.
class SlotPool {
 public:
  static constexpr uint16_t kMostMissSlots = 240;
  static constexpr uint16_t kServeSlots = 64;  // requests and evictions under way
  static constexpr uint16_t kRuns = 8;

  // Not signal-safe. RESOURCE_EXHAUSTED if the memory cannot be registered.
  static absl::StatusOr<std::unique_ptr<SlotPool>> Create(transport::Transport& transport,
                                                          Engine* engine);

  // Null if no more than `keep` are free. The caller is the slot's first user.
  Slot* AcquireMiss(uint16_t keep = 0) { return Acquire(free_miss_, keep); }
  Slot* AcquireServe() { return Acquire(free_serve_, 0); }
  // One user less; the last one gives it back.
  void Release(Slot* slot);

  Run* AcquireRun();
  void Release(Run* run);

  Slot& at(uint16_t index) { return slots_[index]; }
  uint16_t size() const { return static_cast<uint16_t>(miss_slots_ + kServeSlots); }

  // Pages this node can be fetching at once. Each has at most one message under way to a node, and
  // each of a peer's at most one answer: twice this bounds what waits in a mailbox.
  uint16_t miss_slots() const { return miss_slots_; }
  // Of these, kept for pages that a thread waits for.
  uint16_t reserved_slots() const { return miss_slots_ / 4; }

 private:
  struct FreeList {
    SpinLock lock;
    uint16_t count ABSL_GUARDED_BY(lock) = 0;
    std::array<uint16_t, kMostMissSlots> indices ABSL_GUARDED_BY(lock);
    void Put(uint16_t index) {
      Hold hold(lock);
      indices[count++] = index;
    }
  };
  static_assert(kServeSlots <= kMostMissSlots);

  Slot* Acquire(FreeList& list, uint16_t keep);

  uint16_t miss_slots_ = 0;
  std::unique_ptr<transport::Memory> memory_;
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<Run[]> runs_;
  FreeList free_miss_;
  FreeList free_serve_;
  FreeList free_runs_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_SLOTS_H_
