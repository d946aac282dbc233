// Room in the cache: the oldest pages go, clean ones are dropped, written ones go home.
#include <array>

#include "runtime/engine/engine.h"

namespace farpage::internal {

using directory::Effects;
using directory::EntryLayout;
using directory::Input;
using directory::State;
using directory::Verdict;
using transport::Operation;

namespace {
constexpr uint32_t kBatch = Run::kMaxPages;
}

void Engine::NoteInstalled(Region& region, uint64_t first, uint64_t count) {
  cache_->AddPresent(static_cast<int64_t>(count));
  CacheQueue::Pusher queue(*cache_);
  for (uint64_t index = first; index < first + count; ++index) {
    PageRecord& record = region.records[index];
    if (!record.queued && queue.Push({region.first_page.value + index})) record.queued = 1;
  }
}

void Engine::MakeRoom() {
  // Each round looks at a batch; pages that are pinned or in transition stay, so give up after one
  // pass over the queue.
  for (uint64_t rounds = 0; rounds <= 2 * cache_->capacity() / kBatch; ++rounds) {
    const uint64_t spare = std::min<uint64_t>(kBatch, cache_->capacity() / 4);
    if (cache_->present() + spare <= cache_->capacity() && !cache_->NearlyFull()) return;
    EvictBatch();
  }
}

// Shared pages that lie side by side: zapped with one call, their bits cleared with one chain.
class Engine::SharedBatch {
 public:
  explicit SharedBatch(Engine& engine) : engine_(engine) {}
  ~SharedBatch() { Flush(); }
  SharedBatch(const SharedBatch&) = delete;
  SharedBatch& operator=(const SharedBatch&) = delete;

  // Takes a locked page of which Step() has said: zap, clear the bit.
  void Add(const Page& page) {
    const bool follows = count_ > 0 && region_ == &page.region && home_ == page.home &&
                         first_ + count_ == page.index && count_ < kMost;
    if (!follows) {
      Flush();
      region_ = &page.region;
      home_ = page.home;
      first_ = page.index;
    }
    ++count_;
  }

  void Flush() {
    if (count_ == 0) return;
    Page first = engine_.Adopt(*region_, first_);
    engine_.pager_.Zap(first.address(), count_, /*in_place=*/false);
    engine_.cache_->AddPresent(-static_cast<int64_t>(count_));
    std::array<Operation, kMost> operations;
    const NodeId self = engine_.cluster_.self();
    for (uint64_t index = 0; index < count_; ++index) {
      const Page page = engine_.Adopt(*region_, first_ + index);
      operations[index] =
          Operation::FetchAndAdd(engine_.EntryAt(page) + EntryLayout::BitOffset(self),
                                 0 - EntryLayout::BitValue(self), nullptr, {});
    }
    engine_.counters_.Add(Counter::fabric_atomics, count_);
    engine_.fabric_.Post(home_, {operations.data(), count_}, nullptr);
    engine_.counters_.Add(Counter::evicted_clean, count_);
    for (uint64_t index = 0; index < count_; ++index) {
      region_->records[first_ + index].UnlockChanged();
    }
    count_ = 0;
  }

 private:
  static constexpr uint64_t kMost = 32;

  Engine& engine_;
  Region* region_ = nullptr;
  NodeId home_;
  uint64_t first_ = 0;
  uint64_t count_ = 0;
};

void Engine::EvictBatch() {
  SharedBatch shared(*this);
  for (uint32_t turn = 0; turn < kBatch; ++turn) {
    const std::optional<PageId> id = cache_->Pop();
    if (!id.has_value()) return;
    Region& region = *space_.Find(*id);
    const uint64_t index = id->value - region.first_page.value;
    if (region.records == nullptr) {
      tenant_.load(std::memory_order_acquire)->Evict(region, index);
      continue;
    }
    PageRecord& record = region.records[index];
    if (!record.TryLock()) {
      CacheQueue::Pusher(*cache_).Push(*id);
      continue;
    }
    Page page = Adopt(region, index);
    record.queued = 0;
    const State state = record.state.state;
    if (state == State::kShared && record.pins == 0) {
      Effects effects;
      const Verdict verdict = Step(page, {.input = Input::kEvict}, effects);
      if (verdict == Verdict::kStepped && effects.size() == 2) {
        shared.Add(page);  // stays locked until flushed
        continue;
      }
      if (verdict == Verdict::kStepped) Continue(page, effects, {.input = Input::kEvict});
    } else if (state != State::kInvalid && !(state == State::kExclusive && EvictExclusive(page))) {
      if (CacheQueue::Pusher(*cache_).Push(*id)) record.queued = 1;  // later perhaps
    }
    Unlock(page);
  }
}

bool Engine::EvictExclusive(Page& page) {
  // A page whose home has failed exists nowhere else.
  if (page.record.pins > 0 || SlotOf(page.record) != nullptr ||
      fabric_.transport().peer_failed(page.home)) {
    return false;
  }
  page.serve = slots_->AcquireServe();
  if (page.serve == nullptr) return false;
  page.serve->page.store(page.id(), std::memory_order_relaxed);
  Feed(page, {.input = Input::kEvict});
  slots_->Release(std::exchange(page.serve, nullptr));
  counters_.Add(Counter::evicted_dirty);
  return true;
}

}  // namespace farpage::internal
