#include "runtime/release/release_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/memory/view_reading.h"
#include "runtime/release/diff.h"

namespace farpage::internal {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleaseVerdict;

absl::StatusOr<std::unique_ptr<ReleaseEngine>> ReleaseEngine::Create(Cluster& cluster,
                                                                     AddressSpace& space,
                                                                     Pager& pager, Engine& engine,
                                                                     ReleaseStep step) {
  // All that is collective before the first error is returned: others may have none.
  absl::StatusOr<std::unique_ptr<NoticeLog>> log =
      NoticeLog::Create(cluster, cluster.options().cluster.notice_log_bytes);
  absl::StatusOr<std::unique_ptr<DiffSender>> sender = DiffSender::Create(cluster);
  if (!log.ok()) return log.status();
  if (!sender.ok()) return sender.status();
  std::unique_ptr<LandingPool> landing;
  if (!cluster.transport().capabilities().direct_access) {
    absl::StatusOr<std::unique_ptr<LandingPool>> made = LandingPool::Create(cluster.transport());
    if (!made.ok()) return made.status();
    landing = *std::move(made);
  }
  // Every twin belongs to a cached page, and a few are held while a fault is served.
  constexpr uint64_t kSpareTwins = 1024;
  const uint64_t twins =
      std::min<uint64_t>(engine.cache().capacity() + kSpareTwins, UINT32_MAX - 1);
  absl::StatusOr<TwinPool> pool = TwinPool::Create(static_cast<uint32_t>(twins));
  if (!pool.ok()) return pool.status();
  std::unique_ptr<ReleaseEngine> made(
      new ReleaseEngine(cluster, space, pager, engine, *std::move(log), *std::move(sender),
                        std::move(landing), *std::move(pool), step));
  engine.set_tenant(made.get());
  return made;
}

ReleaseEngine::ReleaseEngine(Cluster& cluster, AddressSpace& space, Pager& pager, Engine& engine,
                             std::unique_ptr<NoticeLog> log, std::unique_ptr<DiffSender> sender,
                             std::unique_ptr<LandingPool> landing, TwinPool twins, ReleaseStep step)
    : cluster_(cluster),
      space_(space),
      pager_(pager),
      engine_(engine),
      cache_(engine.cache()),
      fabric_(cluster.fabric()),
      counters_(cluster.counters()),
      step_(step),
      log_(std::move(log)),
      sender_(std::move(sender)),
      landing_(std::move(landing)),
      twins_(std::move(twins)),
      turns_(cluster.fabric()),
      seen_(cluster.size()) {}

void ReleaseEngine::Add(Region& region) {
  const uint32_t count = region_count_.load(std::memory_order_relaxed);
  regions_[count] = &region;  // the address space has no more regions than this has room for
  region_count_.store(count + 1, std::memory_order_release);
}

ReleaseEngine::Page ReleaseEngine::At(Region& region, uint64_t index) {
  const NodeId home = region.homes.HomeOf(index);
  return {region, index, region.release_records[index], home, home == cluster_.self()};
}

ReleaseVerdict ReleaseEngine::Step(Page& page, ReleaseInput input, ReleaseEffects& effects,
                                   bool stays) {
  stays |= page.record.pins != 0;
  return step_(page.record.page, {.input = input, .at_home = page.at_home, .stays = stays},
               effects);
}

uint32_t ReleaseEngine::Execute(Page& page, const ReleaseEffects& effects, const std::byte* content,
                                bool is_protected, Supplies& supplies) {
  ReleaseRecord& record = page.record;
  uint32_t changed = 0;
  for (const ReleaseEffect effect : effects) {
    std::byte* twin = record.twin_plus_one != 0 ? twins_.at(record.twin_plus_one - 1) : nullptr;
    switch (effect) {
      case ReleaseEffect::kMapRead:
        pager_.Install(page.address(), content, 1, Access::kRead);
        NoteInstalled(page.region, page.index, 1);
        break;
      case ReleaseEffect::kMapWrite:
        // From the twin: the frame may change between two looks at it.
        pager_.Install(page.address(), twin, 1, Access::kWrite);
        NoteInstalled(page.region, page.index, 1);
        break;
      case ReleaseEffect::kKeepTwin: {
        const ViewReading reading;
        record.twin_plus_one = std::exchange(supplies.twin, TwinPool::kNone) + 1;
        CopyPage(twins_.at(record.twin_plus_one - 1),
                 content != nullptr ? content : pager_.View(page.address()));
        cache_.AddPresent(1);
        counters_.Add(Counter::twins);
        break;
      }
      case ReleaseEffect::kMakeWritable:
        if (IsTracked(page)) {
          page.region.tracker->Open(page.address());
        } else {
          pager_.MakeWritable(page.address(), 1);
        }
        break;
      case ReleaseEffect::kProtect:
        if (!is_protected) pager_.WriteProtect(page.address(), 1);
        break;
      case ReleaseEffect::kSendDiff: {
        const ViewReading reading;
        changed = sender_->Send(page.region, page.index, pager_.View(page.address()), twin,
                                effects.contains(ReleaseEffect::kRefreshTwin),
                                std::exchange(supplies.buffer, DiffSender::kNoBuffer));
        break;
      }
      case ReleaseEffect::kDropTwin:
        twins_.Release(std::exchange(record.twin_plus_one, 0) - 1);
        cache_.AddPresent(-1);
        break;
      case ReleaseEffect::kMerge: {
        const ViewReading reading;  // writing too: bytes that no thread here may access now
        ApplyDiff(supplies.frame, twin, /*refresh=*/true, pager_.View(page.address()));
        break;
      }
      case ReleaseEffect::kUnmap:
        pager_.Zap(page.address(), 1, /*in_place=*/false);
        cache_.AddPresent(-1);
        break;
      case ReleaseEffect::kList:
        List(page);
        break;
      case ReleaseEffect::kFetch:
      case ReleaseEffect::kRefreshTwin:
      case ReleaseEffect::kNotice:
        break;
    }
  }
  return changed;
}

void ReleaseEngine::NoteInstalled(Region& region, uint64_t first, uint64_t count) {
  cache_.AddPresent(static_cast<int64_t>(count));
  counters_.Add(Counter::installed_pages, count);
  CacheQueue::Pusher queue(cache_);
  for (uint64_t index = first; index < first + count; ++index) {
    ReleaseRecord& record = region.release_records[index];
    if (record.queued == 0 && queue.Push({region.first_page.value + index})) record.queued = 1;
  }
}

void ReleaseEngine::List(Page& page) {
  std::atomic<uint32_t>& list = page.region.listed;
  uint32_t first = list.load(std::memory_order_relaxed);
  do {
    page.record.next_plus_one = first;
  } while (!list.compare_exchange_weak(first, static_cast<uint32_t>(page.index) + 1,
                                       std::memory_order_release, std::memory_order_relaxed));
}

void ReleaseEngine::Return(Supplies& supplies) {
  if (supplies.twin != TwinPool::kNone) twins_.Release(supplies.twin);
  if (supplies.buffer != DiffSender::kNoBuffer) sender_->ReturnBuffer(supplies.buffer);
  if (supplies.landing != LandingPool::kNone) landing_->Return(supplies.landing);
  supplies = {};
}

void ReleaseEngine::Evict(Region& region, uint64_t index) {
  Page page = At(region, index);
  if (!page.record.TryLock()) {
    CacheQueue::Pusher(cache_).Push({region.first_page.value + index});
    return;
  }
  page.record.queued = 0;
  Supplies supplies;
  const bool dirty = page.record.page.state == directory::ReleaseState::kDirty;
  // A release or an acquire cannot do without, and need not wait for evictions to leave it some.
  if (dirty) supplies.buffer = sender_->TryTakeBuffer(/*spare=*/kBatch);
  ReleaseEffects effects;
  const bool can = !dirty || supplies.buffer != DiffSender::kNoBuffer;
  const bool goes = can && Step(page, ReleaseInput::kEvict, effects) == ReleaseVerdict::kStepped;
  if (goes) {
    Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
    counters_.Add(dirty ? Counter::evicted_dirty : Counter::evicted_clean);
  } else if (page.record.page.state != directory::ReleaseState::kInvalid &&
             CacheQueue::Pusher(cache_).Push({region.first_page.value + index})) {
    page.record.queued = 1;  // later perhaps
  }
  page.record.UnlockChanged();
  Return(supplies);
  // An interval may write more than there are buffers. Who misses a page waits for some to come
  // back, for nothing else would make room.
  if (!can) sender_->TryFence();
}

AccessResult ReleaseEngine::Pin(Region& region, uint64_t index, Access access,
                                int64_t deadline_ns) {
  constexpr uint16_t kMostPins = (1 << 15) - 1;
  for (;;) {
    const AccessResult obtained = Obtain(region, index, access, deadline_ns);
    if (obtained.fate != transport::Fate::kOk) return obtained;
    Page page = At(region, index);
    page.record.Lock();
    const directory::ReleaseState state = page.record.page.state;
    const bool usable =
        state == directory::ReleaseState::kDirty ||
        (access == Access::kRead && (page.at_home || state == directory::ReleaseState::kClean));
    if (usable && page.record.pins < kMostPins) {
      ++page.record.pins;
      page.record.Unlock();
      return {};
    }
    page.record.Unlock();
    if (fabric_.NowNs() >= deadline_ns) return {transport::Fate::kTimedOut, page.home};
    SpinPause();
  }
}

void ReleaseEngine::Unpin(Region& region, uint64_t index) {
  ReleaseRecord& record = region.release_records[index];
  record.Lock();
  --record.pins;
  record.UnlockChanged();
}

}  // namespace farpage::internal
