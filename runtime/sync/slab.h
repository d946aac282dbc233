// Some pages of shared memory cut into objects of one size.
#ifndef FARPAGE_RUNTIME_SYNC_SLAB_H_
#define FARPAGE_RUNTIME_SYNC_SLAB_H_

#include <cstddef>
#include <cstdint>

#include "runtime/sync/size_class.h"

namespace farpage::internal {

inline constexpr size_t kHeapPageBytes = 4096;
inline constexpr uint32_t kMaxSlabPages = 16;

// Lies at the beginning of its own pages; the objects follow, aligned to every power of two that
// divides their size. Which are free is kept in bitmaps and not in the objects, so that to free an
// object does not bring its page here.
//
// It has two sets of free objects: those its user can take, and those that others have given back
// meanwhile, under a lock the user does not take each time. Not thread-safe: SharedHeap says which
// lock guards what.
class alignas(uint64_t) Slab {
 public:
  // In which of the heap's lists it is.
  enum class Listed : uint8_t { kNot, kTight, kRoomy };

  // Makes `pages` pages at `memory` a slab with all objects free.
  static Slab* Format(void* memory, uint32_t size_class, uint32_t pages);
  // Objects that a slab would have.
  static uint32_t CapacityOf(uint32_t size_class, uint32_t pages);

  // A free object, or null. Constant time but for full words of the bitmap that are passed over.
  void* Take();

  enum class Given : uint8_t { kOk, kFreeAlready, kNoObject };
  // Makes an object free, for the user or as one of the others.
  Given Give(const void* object);
  Given GiveFromOutside(const void* object);
  // Makes what others gave back free for the user. False if one of them was free already.
  bool Merge();

  uint32_t size_class() const { return size_class_; }
  uint32_t pages() const { return pages_; }
  uint32_t free_objects() const { return free_; }
  bool empty() const { return free_ == capacity_; }
  bool roomy() const { return free_ >= (capacity_ + 3) / 4; }

  Listed listed = Listed::kNot;

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  static size_t HeaderBytes(uint32_t size_class, uint32_t pages);
  uint32_t SlotOf(const void* object) const;
  uint64_t* free_bits() { return reinterpret_cast<uint64_t*>(this + 1); }
  uint64_t* outside_bits() { return free_bits() + words_; }

  uint8_t size_class_;
  uint8_t pages_;
  uint16_t words_;     // of each bitmap
  uint16_t first_;     // bytes before the first object
  uint16_t capacity_;  // objects
  uint16_t free_;
  uint16_t outside_;  // free, given by others
  uint16_t hint_;     // no word of free_bits() before this one has a bit set
};
static_assert(sizeof(Slab) % sizeof(uint64_t) == 0);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SLAB_H_
