#include "runtime/sync/atomic_words.h"

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/spin_lock.h"
#include "runtime/sync/system_error.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;

namespace {

constexpr size_t BlockOf(size_t size, uint32_t nodes) { return (size + nodes - 1) / nodes; }

}  // namespace

// Takes a slot; waits for one where more threads than there are slots have operations under way.
class AtomicWordsImpl::SlotScope {
 public:
  explicit SlotScope(std::array<Slot, kSlots>& slots) : slots_(slots), index_(Take(slots)) {}
  ~SlotScope() { slots_[index_].taken.store(false, std::memory_order_release); }
  SlotScope(const SlotScope&) = delete;
  SlotScope& operator=(const SlotScope&) = delete;

  size_t index() const { return index_; }

 private:
  static size_t Take(std::array<Slot, kSlots>& slots) {
    // Threads start at different slots, and find the one they had free.
    static std::atomic<size_t> next_start{0};
    static thread_local const size_t start = next_start.fetch_add(1, std::memory_order_relaxed);
    SpinWait wait;
    for (size_t turn = 0;; ++turn) {
      const size_t index = (start + turn) % kSlots;
      std::atomic<bool>& taken = slots[index].taken;
      if (!taken.load(std::memory_order_relaxed) &&
          !taken.exchange(true, std::memory_order_acquire)) {
        return index;
      }
      if (turn >= kSlots) wait.Pause();
    }
  }

  std::array<Slot, kSlots>& slots_;
  const size_t index_;
};

absl::StatusOr<std::shared_ptr<AtomicWordsImpl>> AtomicWordsImpl::Create(Cluster& cluster,
                                                                         std::string_view name,
                                                                         size_t size) {
  const std::string what = absl::StrCat("atomic array '", std::string(name), "'");
  absl::Status agreed = cluster.Agree("atomic array", absl::StrCat(what, " of ", size, " words"));
  if (!agreed.ok()) return agreed;
  constexpr size_t kMaxSize = std::numeric_limits<size_t>::max() / (2 * sizeof(uint64_t));
  if (size > kMaxSize) {
    return absl::ResourceExhaustedError(
        absl::StrCat(what, ": ", size, " words asked, at most ", kMaxSize, " can be addressed"));
  }
  const size_t block = BlockOf(size, cluster.size());
  absl::StatusOr<SymmetricMemory> memory =
      cluster.AllocateSymmetric(what, kWordsOffset + block * sizeof(uint64_t));
  if (!memory.ok()) return memory.status();
  return std::shared_ptr<AtomicWordsImpl>(
      new AtomicWordsImpl(cluster, std::string(name), size, *std::move(memory)));
}

AtomicWordsImpl::AtomicWordsImpl(Cluster& cluster, std::string name, size_t size,
                                 SymmetricMemory memory)
    : cluster_(cluster),
      name_(std::move(name)),
      size_(size),
      block_(std::max<size_t>(1, BlockOf(size, cluster.size()))),
      memory_(std::move(memory)),
      cpu_atomics_(cluster.transport().capabilities().atomic_scope == transport::AtomicScope::kCpu),
      completes_inline_(cluster.transport().capabilities().completes_inline) {}

uint64_t AtomicWordsImpl::Load(size_t index) {
  const Place place = PlaceOf(index);
  if (const std::atomic<uint64_t>* own = OwnWord(place)) return own->load();
  return Run(index, place, Operation::Read(nullptr, {}, {}, sizeof(uint64_t)));
}

void AtomicWordsImpl::Store(size_t index, uint64_t value) {
  const Place place = PlaceOf(index);
  if (std::atomic<uint64_t>* own = OwnWord(place)) return own->store(value);
  if (cpu_atomics_) {
    Run(index, place, Operation::WriteWord(value, {}));
    return;
  }
  uint64_t expected = 0;
  for (;;) {
    const uint64_t found = FabricCompareExchange(index, place, expected, value);
    if (found == expected) return;
    expected = found;
  }
}

uint64_t AtomicWordsImpl::FetchAdd(size_t index, uint64_t add) {
  const Place place = PlaceOf(index);
  if (std::atomic<uint64_t>* own = OwnWord(place)) return own->fetch_add(add);
  cluster_.counters().Add(Counter::fabric_atomics);
  return Run(index, place, Operation::FetchAndAdd({}, add, nullptr, {}));
}

uint64_t AtomicWordsImpl::CompareExchange(size_t index, uint64_t expected, uint64_t desired) {
  const Place place = PlaceOf(index);
  if (std::atomic<uint64_t>* own = OwnWord(place)) {
    own->compare_exchange_strong(expected, desired);
    return expected;
  }
  return FabricCompareExchange(index, place, expected, desired);
}

uint64_t AtomicWordsImpl::FabricCompareExchange(size_t index, const Place& place, uint64_t expected,
                                                uint64_t desired) {
  cluster_.counters().Add(Counter::fabric_atomics);
  return Run(index, place, Operation::CompareAndSwap({}, expected, desired, nullptr, {}));
}

AtomicWordsImpl::Place AtomicWordsImpl::PlaceOf(size_t index) const {
  if (index >= size_) {
    throw std::out_of_range(
        absl::StrCat("atomic array '", name_, "': index ", index, " of ", size_));
  }
  return {NodeId(static_cast<uint32_t>(index / block_)),
          kWordsOffset + index % block_ * sizeof(uint64_t)};
}

std::atomic<uint64_t>* AtomicWordsImpl::OwnWord(const Place& place) const {
  if (!cpu_atomics_ || place.home != cluster_.self()) return nullptr;
  return reinterpret_cast<std::atomic<uint64_t>*>(memory_.own->data() + place.offset);
}

uint64_t AtomicWordsImpl::Run(size_t index, const Place& place, Operation operation) {
  const SlotScope slot(slots_);
  Result* const result = reinterpret_cast<Result*>(memory_.own->data()) + slot.index();
  operation.remote = memory_.remote[place.home.value()] + place.offset;
  if (operation.code != transport::OpCode::kWrite) {
    operation.local = result;
    operation.local_key = memory_.own->local_key();
  }
  // No clock is read where nothing can be pending.
  const int64_t deadline = completes_inline_ ? 0 : cluster_.DeadlineNs();
  const Fate fate = cluster_.fabric().Run(place.home, std::span(&operation, 1), deadline);
  if (fate != Fate::kOk) {
    ThrowSystemError(cluster_.FateError(
        fate, absl::StrCat("atomic array '", name_, "', element ", index), place.home));
  }
  return result->word.load(std::memory_order_relaxed);
}

size_t AtomicWords::size() const { return impl_->size(); }

uint64_t AtomicWords::Load(size_t index) const { return impl_->Load(index); }

void AtomicWords::Store(size_t index, uint64_t value) { impl_->Store(index, value); }

uint64_t AtomicWords::FetchAdd(size_t index, uint64_t add) { return impl_->FetchAdd(index, add); }

uint64_t AtomicWords::CompareExchange(size_t index, uint64_t expected, uint64_t desired) {
  return impl_->CompareExchange(index, expected, desired);
}

}  // namespace farpage::internal
