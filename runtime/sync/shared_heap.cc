#include "runtime/sync/shared_heap.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace farpage::internal {
namespace {

// A slab is made for at least so many objects, if there is room.
constexpr uint32_t kFewObjects = 8;

constexpr size_t PagesFor(size_t bytes) { return (bytes + kHeapPageBytes - 1) / kHeapPageBytes; }

}  // namespace

SharedHeap::SharedHeap(void* base, size_t bytes, HeapLock& lock, NodeId self, uint32_t nodes)
    : pages_(base, bytes),
      heap_lock_(lock),
      ticket_(static_cast<uint16_t>(self.value() + 1)),
      max_slab_pages_(std::bit_floor(
          std::clamp(pages_.pages() / (4 * nodes * kSizeClasses), 1u, kMaxSlabPages))) {}

void* SharedHeap::Allocate(size_t bytes, size_t alignment) {
  if (std::max(bytes, alignment) > kMaxSmallBytes) return AllocateRun(bytes, alignment);
  const uint32_t size_class = SizeClassOf(bytes, alignment);
  Hold threads(mutex_);
  if (Slab* slab = used_[size_class]; slab != nullptr) {
    if (void* object = slab->Take()) return object;
  }
  return AllocateSmallSlow(size_class);
}

void* SharedHeap::AllocateSmallSlow(uint32_t size_class) {
  Hold nodes(heap_lock_);
  if (!pages_.initialized()) Die(nullptr, "is not initialized");
  FreePending();
  if (Slab* slab = used_[size_class]; slab != nullptr) {
    if (!slab->Merge()) Die(slab, "has a slab of which an object was freed twice");
    if (void* object = slab->Take()) return object;
    GiveUp(size_class);
  }
  Slab* const slab = NextSlab(size_class);
  if (slab == nullptr) return nullptr;
  Use(slab, size_class);
  return slab->Take();
}

Slab* SharedHeap::NextSlab(uint32_t size_class) {
  // New pages before a slab with little room: it would be used up soon, and the lock is dear.
  if (Slab* slab = Adopt(size_class, true)) return slab;
  if (Slab* slab = NewSlab(size_class)) return slab;
  if (Slab* slab = Adopt(size_class, false)) return slab;
  GiveUpEmpty();
  return NewSlab(size_class);
}

Slab* SharedHeap::Adopt(uint32_t size_class, bool roomy) {
  RunList& list = pages_.slab_list(size_class, roomy);
  if (list.first == 0) return nullptr;
  Slab* const slab = static_cast<Slab*>(pages_.AddressOf(list.first));
  pages_.Remove(list, list.first);
  slab->listed = Slab::Listed::kNot;
  return slab;
}

Slab* SharedHeap::NewSlab(uint32_t size_class) {
  // The more slabs, the larger: a heap that is small or used little is not cut up at once.
  uint32_t pages = std::min(max_slab_pages_, std::bit_ceil(new_slabs_[size_class] + 1));
  const auto too_small = [&] {
    return Slab::CapacityOf(size_class, pages) < (pages < max_slab_pages_ ? kFewObjects : 1);
  };
  while (pages < kMaxSlabPages && too_small()) pages *= 2;
  for (; Slab::CapacityOf(size_class, pages) > 0; pages /= 2) {
    const PageInfo info{PageUse::kSlab, static_cast<uint8_t>(size_class), 0, 0};
    void* const memory = pages_.Allocate(pages, kHeapPageBytes, info);
    if (memory == nullptr) continue;
    ++new_slabs_[size_class];
    return Slab::Format(memory, size_class, pages);
  }
  return nullptr;
}

void SharedHeap::Use(Slab* slab, uint32_t size_class) {
  used_[size_class] = slab;
  pages_.SetInfo(slab, {PageUse::kSlab, static_cast<uint8_t>(size_class), ticket_, 0});
}

void SharedHeap::GiveUp(uint32_t size_class) {
  Slab* const slab = used_[size_class];
  used_[size_class] = nullptr;
  pages_.SetInfo(slab, {PageUse::kSlab, static_cast<uint8_t>(size_class), 0, 0});
  List(slab);
}

void SharedHeap::GiveUpEmpty() {
  for (uint32_t size_class = 0; size_class < kSizeClasses; ++size_class) {
    Slab* const slab = used_[size_class];
    if (slab == nullptr) continue;
    if (!slab->Merge()) Die(slab, "has a slab of which an object was freed twice");
    if (slab->empty()) GiveUp(size_class);
  }
}

void SharedHeap::List(Slab* slab) {
  Slab::Listed listed = Slab::Listed::kNot;
  if (slab->free_objects() > 0) {
    listed = slab->roomy() ? Slab::Listed::kRoomy : Slab::Listed::kTight;
  }
  if (slab->empty()) listed = Slab::Listed::kNot;
  const uint32_t page = pages_.PageOf(slab);
  if (listed != slab->listed) {
    const auto list_of = [&](Slab::Listed which) -> RunList& {
      return pages_.slab_list(slab->size_class(), which == Slab::Listed::kRoomy);
    };
    if (slab->listed != Slab::Listed::kNot) pages_.Remove(list_of(slab->listed), page);
    if (listed != Slab::Listed::kNot) pages_.Push(list_of(listed), page);
    slab->listed = listed;
  }
  if (slab->empty()) pages_.Free(slab, slab->pages());
}

void* SharedHeap::AllocateRun(size_t bytes, size_t alignment) {
  const PageInfo info{PageUse::kRun, 0, 0, 0};
  const size_t pages = std::max<size_t>(1, PagesFor(bytes));
  if (pages < bytes / kHeapPageBytes) return nullptr;
  Hold threads(mutex_);
  Hold nodes(heap_lock_);
  if (!pages_.initialized()) Die(nullptr, "is not initialized");
  if (void* run = pages_.Allocate(pages, alignment, info)) return run;
  FreePending();
  GiveUpEmpty();
  return pages_.Allocate(pages, alignment, info);
}

void SharedHeap::Free(void* object, size_t bytes, size_t alignment) noexcept {
  if (!pages_.Contains(object)) Die(object, "was not allocated here");
  const PageInfo info = pages_.InfoOf(object);
  const bool small = std::max(bytes, alignment) <= kMaxSmallBytes;
  try {
    if (small && info.use == PageUse::kSlab) {
      if (info.size_class != SizeClassOf(bytes, alignment)) {
        Die(object, "was allocated with another size");
      }
      FreeSmall(object, info);
    } else if (!small && info.use == PageUse::kRun) {
      FreeRun(object, bytes);
    } else {
      Die(object, "is free already, or was allocated with another size, or not here");
    }
  } catch (const std::system_error&) {
    // The lock broke because a node died: nobody can allocate here any more, so the memory may as
    // well stay taken. This runs in destructors.
  }
}

void SharedHeap::FreeSmall(void* object, const PageInfo& info) {
  std::byte* const page = static_cast<std::byte*>(pages_.AddressOf(pages_.PageOf(object)));
  Slab* const slab = reinterpret_cast<Slab*>(page - info.pages * kHeapPageBytes);
  const size_t size = BytesOfClass(info.size_class);

  Hold threads(mutex_);
  if (used_[info.size_class] == slab) {
    CheckGiven(slab->Give(object), object);
    return;
  }
  pending_[pending_count_++] = object;
  pending_bytes_ += size;
  if (pending_count_ < kMaxPending && pending_bytes_ < kMaxPendingBytes) return;
  try {
    Hold nodes(heap_lock_);
    FreePending();
  } catch (const std::system_error&) {
    pending_count_ = 0;
    pending_bytes_ = 0;
    throw;
  }
}

void SharedHeap::FreePending() {
  for (size_t index = 0; index < pending_count_; ++index) FreeOne(pending_[index]);
  pending_count_ = 0;
  pending_bytes_ = 0;
}

void SharedHeap::FreeOne(void* object) {
  const PageInfo info = pages_.InfoOf(object);
  if (info.use != PageUse::kSlab) Die(object, "was freed twice");
  void* const page = pages_.AddressOf(pages_.PageOf(object));
  Slab* const slab =
      reinterpret_cast<Slab*>(static_cast<std::byte*>(page) - info.pages * kHeapPageBytes);
  const uint16_t user = pages_.InfoOf(slab).user;
  if (user != 0 && user != ticket_) {
    CheckGiven(slab->GiveFromOutside(object), object);
    return;
  }
  CheckGiven(slab->Give(object), object);
  if (user == 0) List(slab);
}

void SharedHeap::FreeRun(void* object, size_t bytes) {
  const size_t pages = std::max<size_t>(1, PagesFor(bytes));
  Hold nodes(heap_lock_);
  const PageInfo info = pages_.InfoOf(object);
  if (info.use != PageUse::kRun) Die(object, "was freed twice");
  if (info.pages != pages || pages_.AddressOf(pages_.PageOf(object)) != object) {
    Die(object, "was allocated with another size");
  }
  pages_.Free(object, pages);
}

void SharedHeap::CheckGiven(Slab::Given given, const void* object) const {
  if (given == Slab::Given::kOk) return;
  Die(object, given == Slab::Given::kFreeAlready ? "was freed twice" : "is no object's address");
}

void SharedHeap::Die(const void* object, std::string_view what) const {
  std::fprintf(stderr, "farpage: node %u: memory resource at %p: %p %.*s\n", ticket_ - 1u,
               pages_.AddressOf(0), object, static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace farpage::internal
