// Carries out what directory/release_protocol.h decides, for regions with release consistency.
//
//     a fault   → Obtain()    reads the page from its home's frame, keeps a twin before a write
//     unlock …  → Release()   takes what was written home, then appends notices to this node's log
//     lock …    → Acquire()   reads what is new in other logs, drops the copies that are named
//
// No other node's processor takes part in any of it.
//
// Intervals are the node's, not its threads': a release takes home what any thread of the node has
// written, an acquire drops copies for all of them. That is more than a thread may need, and never
// less. See docs/decisions/0009.
//
// Locks: a page's record is locked around a step and its effects; of several pages, in ascending
// order. Releases and acquires of a node's threads take turns.
#ifndef FARPAGE_RUNTIME_RELEASE_RELEASE_ENGINE_H_
#define FARPAGE_RUNTIME_RELEASE_RELEASE_ENGINE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "directory/release_protocol.h"
#include "runtime/cluster.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/region.h"
#include "runtime/memory/pager.h"
#include "runtime/ordering.h"
#include "runtime/release/diff_sender.h"
#include "runtime/release/landing_pool.h"
#include "runtime/release/notice_log.h"
#include "runtime/release/twin_pool.h"
#include "runtime/sync/thread_queue.h"

namespace farpage::internal {

// Decides in place of directory::StepRelease(): for tests that break the protocol on purpose.
using ReleaseStep = directory::ReleaseVerdict (*)(directory::ReleasePage& page,
                                                  const directory::ReleaseStimulus& stimulus,
                                                  directory::ReleaseEffects& effects);

class ReleaseEngine final : public Ordering, public CacheTenant {
 public:
  // Collective. `engine` keeps the cache that both share. RESOURCE_EXHAUSTED names the limit.
  static absl::StatusOr<std::unique_ptr<ReleaseEngine>> Create(
      Cluster& cluster, AddressSpace& space, Pager& pager, Engine& engine,
      ReleaseStep step = &directory::StepRelease);

  // Makes the engine responsible for a region that is mapped and not yet used. One thread at a
  // time.
  void Add(Region& region);

  // As Engine's. Signal-safe, any thread. A miss is one READ.
  AccessResult Obtain(Region& region, uint64_t index, Access access, int64_t deadline_ns);
  void FetchAhead(Region& region, uint64_t first, uint64_t count, int64_t deadline_ns);
  // A pinned page stays mapped. What other nodes write comes into it at acquires, as into any.
  AccessResult Pin(Region& region, uint64_t index, Access access, int64_t deadline_ns);
  void Unpin(Region& region, uint64_t index);

  // Ordering.
  absl::Status Release(VectorClock clock) override;
  absl::Status Acquire(VectorClock clock) override;

  // CacheTenant.
  void Evict(Region& region, uint64_t index) override;

 private:
  struct Page {
    Region& region;
    uint64_t index;
    ReleaseRecord& record;
    NodeId home;
    bool at_home;
    std::byte* address() const { return region.address(index); }
  };
  // What a step may need that must not be waited for with a record locked.
  struct Supplies {
    uint32_t twin = TwinPool::kNone;
    uint32_t buffer = DiffSender::kNoBuffer;
    uint32_t landing = LandingPool::kNone;
    const std::byte* frame = nullptr;  // the frame's content, for a page that stays
  };
  static constexpr uint32_t kBatch = 32;  // pages locked at once; at most DiffSender::kBuffers

  ReleaseEngine(Cluster& cluster, AddressSpace& space, Pager& pager, Engine& engine,
                std::unique_ptr<NoticeLog> log, std::unique_ptr<DiffSender> sender,
                std::unique_ptr<LandingPool> landing, TwinPool twins, ReleaseStep step);

  // release_engine.cc: pages and what steps do to them
  Page At(Region& region, uint64_t index);
  // `stays`: also if it is not pinned.
  directory::ReleaseVerdict Step(Page& page, directory::ReleaseInput input,
                                 directory::ReleaseEffects& effects, bool stays = false);
  // Carries out all effects but kFetch, kNotice and, if it has been done, kProtect. `content` is
  // what was fetched. Returns how many bytes were sent home.
  uint32_t Execute(Page& page, const directory::ReleaseEffects& effects, const std::byte* content,
                   bool is_protected, Supplies& supplies);
  void NoteInstalled(Region& region, uint64_t first, uint64_t count);
  static void List(Page& page);
  // Writes to it need no fault: the tracker finds them.
  static bool IsTracked(const Page& page) { return page.at_home && page.region.tracker != nullptr; }
  void Return(Supplies& supplies);

  // fetch.cc: faults
  bool TakeSupplies(const Page& page, Access access, Supplies& supplies, int64_t deadline_ns);
  // Reads up to `pages` pages; sets `pages` to how many.
  AccessResult Fetch(Page& page, Access access, uint64_t& pages, Supplies& supplies,
                     int64_t deadline_ns);
  transport::Fate ReadFrames(const Page& first, uint64_t pages, Supplies& supplies,
                             int64_t deadline_ns);
  void FinishFetch(Page& first, uint64_t pages, Access access, const std::byte* content,
                   Supplies& supplies);
  uint64_t LockWindow(const Page& first, uint64_t window);
  void CountFault(const Page& page, Access access, directory::ReleaseVerdict verdict);

  // ordering.cc: releases and acquires
  class Turn;
  absl::Status NoTurn() const;
  void ReadClock(VectorClock clock) const;
  void TakeWritten(Region& region);
  void TakeFound(Region& region);
  void ReleaseWritten(Region& region);
  bool StaysWritable(Page& page) const;
  void ReleaseBatch(Region& region, std::span<const uint32_t> pages);
  void AddNotice(PageId page);
  uint32_t TakeBuffer();
  void Fence();
  // drop.cc: copies that go, or take over what others have written
  // Errors name a pinned page that could not be brought up to date. All other pages are dropped.
  absl::Status DropNamed();
  absl::Status DropAll();
  absl::Status DropPages(Region& region, uint64_t first, uint64_t count);
  absl::Status UpdatePinned(Page& page, uint32_t version, Supplies& supplies);
  void Update(Page& page, bool stays, Supplies& supplies);
  class CleanBatch;
  class MergeBatch;

  Cluster& cluster_;
  AddressSpace& space_;
  Pager& pager_;
  Engine& engine_;
  CacheQueue& cache_;
  Fabric& fabric_;
  Counters& counters_;
  const ReleaseStep step_;
  const std::unique_ptr<NoticeLog> log_;
  const std::unique_ptr<DiffSender> sender_;
  const std::unique_ptr<LandingPool> landing_;  // null where peers' frames are mapped here
  TwinPool twins_;

  std::array<Region*, AddressSpace::kMaxRegions> regions_{};
  std::atomic<uint32_t> region_count_{0};

  ThreadQueue turns_;
  // By whoever has the turn; read by all.
  std::vector<ClockWord> seen_;         // by node: notices of its log that were heeded
  std::atomic<uint64_t> length_{0};     // of this node's log
  uint8_t releases_ = 0;                // that had a page to look at; wraps
  std::vector<uint32_t> written_;       // pages of a region
  std::vector<WriteNotes::Run> found_;  // by its tracker
  DiffSender::Fenced lost_;             // writes on their way to a home that failed, not yet told
  std::vector<Notice> notices_;         // to append, or read
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_RELEASE_ENGINE_H_
