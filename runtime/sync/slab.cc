#include "runtime/sync/slab.h"

#include <algorithm>
#include <bit>
#include <new>

namespace farpage::internal {

size_t Slab::HeaderBytes(uint32_t size_class, uint32_t pages) {
  const size_t size = BytesOfClass(size_class);
  const size_t most_objects = pages * kHeapPageBytes / size;
  const size_t bytes = sizeof(Slab) + 2 * ((most_objects + 63) / 64) * sizeof(uint64_t);
  const size_t alignment = size & (~size + 1);
  return (bytes + alignment - 1) / alignment * alignment;
}

uint32_t Slab::CapacityOf(uint32_t size_class, uint32_t pages) {
  const size_t header = HeaderBytes(size_class, pages);
  const size_t bytes = pages * kHeapPageBytes;
  return bytes <= header ? 0 : static_cast<uint32_t>((bytes - header) / BytesOfClass(size_class));
}

Slab* Slab::Format(void* memory, uint32_t size_class, uint32_t pages) {
  static_assert(kMaxSlabPages * kHeapPageBytes / BytesOfClass(0) <= UINT16_MAX);
  Slab* const slab = new (memory) Slab;
  const uint32_t capacity = CapacityOf(size_class, pages);
  slab->size_class_ = static_cast<uint8_t>(size_class);
  slab->pages_ = static_cast<uint8_t>(pages);
  slab->words_ = static_cast<uint16_t>((capacity + 63) / 64);
  slab->first_ = static_cast<uint16_t>(HeaderBytes(size_class, pages));
  slab->capacity_ = static_cast<uint16_t>(capacity);
  slab->free_ = slab->capacity_;
  slab->outside_ = 0;
  slab->hint_ = 0;
  std::fill_n(slab->free_bits(), 2 * slab->words_, 0);
  for (uint32_t slot = 0; slot < capacity; ++slot) {
    slab->free_bits()[slot / 64] |= uint64_t{1} << slot % 64;
  }
  return slab;
}

void* Slab::Take() {
  if (free_ == 0) return nullptr;
  while (free_bits()[hint_] == 0) ++hint_;
  uint64_t& word = free_bits()[hint_];
  const size_t slot = hint_ * 64u + static_cast<uint32_t>(std::countr_zero(word));
  word &= word - 1;
  --free_;
  return reinterpret_cast<std::byte*>(this) + first_ + slot * BytesOfClass(size_class_);
}

uint32_t Slab::SlotOf(const void* object) const {
  const auto offset = static_cast<size_t>(static_cast<const std::byte*>(object) -
                                          reinterpret_cast<const std::byte*>(this));
  const size_t size = BytesOfClass(size_class_);
  if (offset < first_ || (offset - first_) % size != 0) return kNoSlot;
  const size_t slot = (offset - first_) / size;
  return slot < capacity_ ? static_cast<uint32_t>(slot) : kNoSlot;
}

Slab::Given Slab::Give(const void* object) {
  const uint32_t slot = SlotOf(object);
  if (slot == kNoSlot) return Given::kNoObject;
  uint64_t& word = free_bits()[slot / 64];
  const uint64_t bit = uint64_t{1} << slot % 64;
  if ((word & bit) != 0) return Given::kFreeAlready;
  word |= bit;
  ++free_;
  hint_ = std::min(hint_, static_cast<uint16_t>(slot / 64));
  return Given::kOk;
}

Slab::Given Slab::GiveFromOutside(const void* object) {
  const uint32_t slot = SlotOf(object);
  if (slot == kNoSlot) return Given::kNoObject;
  uint64_t& word = outside_bits()[slot / 64];
  const uint64_t bit = uint64_t{1} << slot % 64;
  if ((word & bit) != 0) return Given::kFreeAlready;
  word |= bit;
  ++outside_;
  return Given::kOk;
}

bool Slab::Merge() {
  if (outside_ == 0) return true;
  bool disjoint = true;
  for (uint32_t index = 0; index < words_; ++index) {
    disjoint &= (free_bits()[index] & outside_bits()[index]) == 0;
    free_bits()[index] |= outside_bits()[index];
    outside_bits()[index] = 0;
  }
  free_ = static_cast<uint16_t>(free_ + outside_);
  outside_ = 0;
  hint_ = 0;
  return disjoint;
}

}  // namespace farpage::internal
