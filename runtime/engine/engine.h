// Carries out what directory/ decides: takes local accesses, chain results and messages of peers to
// Step(), and turns its effects into one-sided operations, messages and page-table changes.
//
// Locks: a page's record is locked around Step() and its effects. Runs of pages are locked in
// ascending order, all but the first by trying. No thread waits for a peer with a record locked.
#ifndef FARPAGE_RUNTIME_ENGINE_ENGINE_H_
#define FARPAGE_RUNTIME_ENGINE_ENGINE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "directory/entry.h"
#include "directory/protocol.h"
#include "farpage/node.h"
#include "runtime/cluster.h"
#include "runtime/engine/cache_queue.h"
#include "runtime/engine/hold_queue.h"
#include "runtime/engine/region.h"
#include "runtime/engine/slots.h"
#include "runtime/engine/stream_detector.h"
#include "runtime/engine/stretch_queue.h"
#include "runtime/engine/wire.h"
#include "runtime/fabric.h"
#include "runtime/memory/pager.h"

namespace farpage::internal {

// Decides in place of directory::Step(): for tests that watch the protocol or break it on purpose.
class Stepper {
 public:
  virtual ~Stepper() = default;
  // As directory::Step(), for a page whose record is locked. Signal-safe.
  virtual directory::Verdict Step(PageId page, directory::PageState& state,
                                  directory::NodeSet* need, const directory::Stimulus& stimulus,
                                  directory::Effects& effects) = 0;
};

struct EngineOptions {
  uint64_t cache_pages = 1;  // pages of other homes kept here; at least 16
  bool prefetch = true;
  int64_t minimum_hold_ns = 0;
  Stepper* stepper = nullptr;  // none: directory::Step() itself
};

// How an access ended.
struct AccessResult {
  transport::Fate fate = transport::Fate::kOk;  // kOk, kPeerFailed or kTimedOut
  NodeId peer;                                  // the node that failed or was waited for
};

// Who else keeps pages in the engine's cache.
class CacheTenant {
 public:
  virtual ~CacheTenant() = default;
  // Gives a page's room back, unless it must stay for now. Signal-safe; does not wait.
  virtual void Evict(Region& region, uint64_t index) = 0;
};

// Signal-safe and thread-safe, except Create().
class Engine final : public MessageHandler {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(Cluster& cluster, AddressSpace& space,
                                                        Pager& pager, const EngineOptions& options);

  // Makes an access to a page possible: on return it is mapped so, or was for a moment. Waits for
  // peers until `deadline_ns`. A clean miss posts one chain.
  AccessResult Obtain(Region& region, uint64_t index, Access access, int64_t deadline_ns);

  // Asks for pages first … first + count − 1 that are not here, or not for writing, and does not
  // wait.
  void FetchAhead(Region& region, uint64_t first, uint64_t count, Access access);

  // Fetches the next stretch that a thread's stream has been found to need. Called by the agent
  // when it is woken. False if there is none.
  bool FetchStretch();

  // Obtains a page and keeps it until Unpin(). At most 2^14 − 1 pins on one page: kTimedOut above.
  AccessResult Pin(Region& region, uint64_t index, Access access, int64_t deadline_ns);
  void Unpin(Region& region, uint64_t index);

  // Ends what waits for nodes that have failed. Called now and then by the agent.
  void CheckFailures();

  // MessageHandler.
  void OnMessage(NodeId from, const transport::Message& bytes) override;
  bool RunTimers() override;
  bool TimersPending() const override { return !holds_.empty(); }

  // The cache, which pages of all kinds share.
  CacheQueue& cache() { return *cache_; }
  // Evicts until a run of pages fits, if it can. Called before a miss, with no page locked.
  void MakeRoom();
  bool prefetches() const { return options_.prefetch; }
  // Waits for a record to have another version than `seen`, making progress meanwhile: spins for
  // `spin_ns`, then sleeps. False at the deadline.
  bool WaitForChange(RecordLock& record, uint32_t seen, int64_t spin_ns, int64_t deadline_ns);
  // Before the tenant's first page; never changed.
  void set_tenant(CacheTenant* tenant) { tenant_.store(tenant, std::memory_order_release); }

  void set_minimum_hold_ns(int64_t hold_ns) { options_.minimum_hold_ns = hold_ns; }

 private:
  // A page that is locked, and what happened to it meanwhile.
  struct Page {
    Region& region;
    uint64_t index;
    PageRecord& record;
    NodeId home;
    bool changed = false;
    bool serve_deferred = false;
    bool hold_over = false;             // the hold ends at once: no room to remember it
    NodeId failed = {};                 // kFail: the dead node
    const Request* request = nullptr;   // the FETCH being served
    const std::byte* landed = nullptr;  // fetched content, if not in the page's slot
    Slot* serve = nullptr;              // buffers for serving it, or for an eviction

    PageId id() const { return {region.first_page.value + index}; }
    std::byte* address() const { return region.address(index); }
  };
  class ChainBuilder;

  Engine(Cluster& cluster, AddressSpace& space, Pager& pager, const EngineOptions& options);

  // engine.cc: the loop around Step()
  Page Lock(Region& region, uint64_t index);
  Page Adopt(Region& region, uint64_t index);  // the record is locked already
  uint32_t Unlock(Page& page);                 // returns the record's version
  // kImpossible is returned for messages only: it is the sender that is broken. What happens here
  // and cannot happen stops the process.
  directory::Verdict Feed(Page& page, directory::Stimulus stimulus);
  directory::Verdict Step(const Page& page, const directory::Stimulus& stimulus,
                          directory::Effects& effects);
  void Continue(Page& page, const directory::Effects& effects, const directory::Stimulus& stimulus);
  void Settle(Page& page);
  bool StartStream(Page& page, Access access);
  bool AskAgentFor(StreamDetector::Stream& stream, const Page& page, uint64_t after);
  Slot* SlotOf(const PageRecord& record);
  void Attach(Page& page, Slot* slot);
  void Detach(Page& page);
  bool StartMiss(Page& page, Access access);
  void CountFault(const Page& page, Access access, directory::Verdict verdict, bool was_mapped);
  [[noreturn]] void ReportImpossible(const Page& page, const directory::Stimulus& stimulus);

  // effects.cc: what effects do
  std::optional<directory::Stimulus> Execute(Page& page, const directory::Effects& effects,
                                             const directory::Stimulus& stimulus);
  std::optional<directory::Stimulus> PostMissChain(Page& page, directory::EffectKind kind);
  std::optional<directory::Stimulus> AwaitHandOver(Page& page, ChainBuilder& chain);
  std::optional<directory::Stimulus> Await(Page& page, Slot& slot,
                                           std::span<const transport::Operation> operations,
                                           Slot::Awaiting awaiting);
  directory::Stimulus ResultOf(const Page& page, Slot& slot, transport::Fate fate);
  static directory::Stimulus LookAgain(directory::Stimulus stimulus, Slot* slot);
  directory::Stimulus ReadStimulus(uint64_t holder_word) const;
  directory::Stimulus WriteStimulus(uint64_t swapped, const uint64_t* entry,
                                    directory::NodeSet* sharers) const;
  NodeId CheckedHolder(uint64_t word) const;
  void Flush(Page& page, ChainBuilder& chain);
  void CountAtomics(std::span<const transport::Operation> operations);
  void PostDraining(NodeId peer, std::span<const transport::Operation> operations, Slot* slot);
  NodeId DrainHome(const Slot& slot) const;
  void Capture(Page& page);
  void AppendWriteBack(Page& page, ChainBuilder& chain, bool captured);
  void SendPage(Page& page, Slot& slot, const Request& to);
  void SendEffect(Page& page, const directory::Effect& effect);
  void Send(Page& page, NodeId peer, directory::Input kind);
  void Install(Page& page, Access access, directory::Input input);
  void Zap(Page& page);
  uint32_t CoarseNow() const;  // 256 ns ticks; wraps
  bool Held(const Page& page);
  void StartHold(Page& page);
  void Defer(Page& page);
  static void OnChainEnd(PostedChain* chain, transport::Fate fate);
  static void OnDrainEnd(PostedChain* chain, transport::Fate fate);

  // requests.cc: messages of peers
  directory::Verdict ServeRequest(Page& page, const Request& request);
  bool CanDefer(Page& page);

  // run.cc: several pages in one chain
  // Takes up to `count` pages from `first` on that are as `first` is, not here or (to write) here
  // for reading, in one chain. Returns how many, with all of them unlocked; 0 if none, with `first`
  // still locked.
  uint64_t StartRun(Page& first, uint64_t count, Access access, bool wanted);
  uint32_t LockRun(Page& first, uint64_t count, Run& run);
  bool OwnsSlot(PageRecord& record, PageId id);
  transport::Fate PostRun(Run& run);
  bool GoesOn(Page& page, const directory::Stimulus& stimulus);
  void FinishRun(Run& run, transport::Fate fate, bool locked);
  void InstallRun(const Run& run, uint32_t begin, uint32_t end);
  static void OnRunEnd(PostedChain* chain, transport::Fate fate);
  uint64_t RunLimit(const Region& region, uint64_t index) const;

  // cache.cc: room for pages
  void EvictBatch();
  bool EvictExclusive(Page& page);
  class SharedBatch;
  void NoteInstalled(Region& region, uint64_t first, uint64_t count);

  bool InPlace(const Page& page) const {
    return page.home == cluster_.self() && pager_.maps_home_in_place();
  }
  // Whether the page's frame can be read where it is: no READ is needed.
  bool ReadsFrameInPlace(const Page& page) const;
  transport::RemoteAddress EntryAt(const Page& page) const;
  transport::RemoteAddress FrameAt(const Page& page) const;

  Cluster& cluster_;
  AddressSpace& space_;
  Pager& pager_;
  Fabric& fabric_;
  Counters& counters_;
  EngineOptions options_;
  const directory::EntryLayout layout_;
  const bool direct_;  // peers' frames can be read in place
  const bool inline_;  // chains have ended when Post() returns
  std::unique_ptr<SlotPool> slots_;
  HoldQueue holds_;
  StretchQueue stretches_;
  std::unique_ptr<CacheQueue> cache_;
  std::atomic<CacheTenant*> tenant_{nullptr};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_ENGINE_H_
