#include "runtime/engine/slots.h"

#include <algorithm>

namespace farpage::internal {
namespace {

// Deals out consecutive pieces of registered memory.
class Carver {
 public:
  explicit Carver(const transport::Memory& memory) : memory_(memory) {}
  Buffer Take(size_t bytes) {
    const Buffer piece{memory_.data() + used_, memory_.local_key(), memory_.remote() + used_};
    used_ += bytes;
    return piece;
  }

 private:
  const transport::Memory& memory_;
  size_t used_ = 0;
};

// Places in a mailbox that are never needed, halved.
constexpr uint32_t kMailboxMargin = 16;

constexpr size_t RoundToLine(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

absl::StatusOr<std::unique_ptr<SlotPool>> SlotPool::Create(transport::Transport& transport,
                                                           Engine* engine) {
  auto pool = std::make_unique<SlotPool>();
  const uint32_t room = transport.capabilities().mailbox_slots / 2;
  pool->miss_slots_ = static_cast<uint16_t>(
      std::clamp<uint32_t>(room, 2 * kMailboxMargin, kMostMissSlots + kMailboxMargin) -
      kMailboxMargin);
  const directory::EntryLayout layout(transport.size());
  const bool runs_land = !transport.capabilities().direct_access;
  const size_t run_landing = runs_land ? Run::kMaxPages * kPageBytes : 0;
  const size_t entry_bytes = RoundToLine(layout.bytes());
  const size_t run_results = Run::kMaxPages * layout.bytes();
  const size_t run_swaps = Run::kMaxPages * sizeof(uint64_t);
  const size_t total = pool->size() * (kPageBytes + entry_bytes) +
                       kRuns * (run_landing + RoundToLine(run_results) + RoundToLine(run_swaps));
  absl::StatusOr<std::unique_ptr<transport::Memory>> memory =
      transport.Allocate(total, "landing buffers");
  if (!memory.ok()) return memory.status();
  pool->memory_ = *std::move(memory);
  Carver carver(*pool->memory_);

  pool->slots_ = std::make_unique<Slot[]>(pool->size());
  pool->runs_ = std::make_unique<Run[]>(kRuns);
  // Pages first: they stay page-aligned.
  for (uint16_t index = 0; index < pool->size(); ++index) {
    pool->slots_[index].landing = carver.Take(kPageBytes);
  }
  for (uint16_t index = 0; index < kRuns; ++index) {
    pool->runs_[index].landing = carver.Take(run_landing);
  }
  for (uint16_t index = 0; index < pool->size(); ++index) {
    Slot& slot = pool->slots_[index];
    slot.engine = engine;
    slot.index = index;
    slot.serving = index >= pool->miss_slots_;
    slot.result_buffer = carver.Take(entry_bytes);
    for (Drain& drain : slot.drains) drain.slot = &slot;
    (slot.serving ? pool->free_serve_ : pool->free_miss_).Put(index);
  }
  for (uint16_t index = 0; index < kRuns; ++index) {
    Run& run = pool->runs_[index];
    run.engine = engine;
    run.index = index;
    run.result_buffer = carver.Take(RoundToLine(run_results));
    run.swap_buffer = carver.Take(RoundToLine(run_swaps));
    pool->free_runs_.Put(index);
  }
  return pool;
}

Slot* SlotPool::Acquire(FreeList& list, uint16_t keep) {
  Hold lock(list.lock);
  if (list.count <= keep) return nullptr;
  Slot* slot = &slots_[list.indices[--list.count]];
  slot->users.store(1, std::memory_order_relaxed);
  slot->awaiting = Slot::Awaiting::kNothing;
  slot->deferred_count = 0;
  slot->chains = 0;
  slot->messages = 0;
  slot->dead_holder = NodeId::None();
  return slot;
}

void SlotPool::Release(Slot* slot) {
  if (slot->users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  (slot->serving ? free_serve_ : free_miss_).Put(slot->index);
}

Run* SlotPool::AcquireRun() {
  Hold lock(free_runs_.lock);
  if (free_runs_.count == 0) return nullptr;
  return &runs_[free_runs_.indices[--free_runs_.count]];
}

void SlotPool::Release(Run* run) { free_runs_.Put(run->index); }

}  // namespace farpage::internal
