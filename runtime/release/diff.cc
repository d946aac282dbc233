#include "runtime/release/diff.h"

#include <atomic>
#include <cstring>

#include "runtime/memory/pager.h"

namespace farpage::internal {
namespace {

constexpr uint32_t kWords = kPageBytes / 8;
constexpr uint32_t kBlockWords = 8;
constexpr uint64_t kLowBits = 0x0101'0101'0101'0101;
constexpr uint64_t kHighBits = kLowBits << 7;

uint64_t LoadWord(const std::byte* page, uint32_t word) {
  auto* at = const_cast<uint64_t*>(reinterpret_cast<const uint64_t*>(page)) + word;
  return std::atomic_ref<uint64_t>(*at).load(std::memory_order_relaxed);
}

void StoreWord(std::byte* page, uint32_t word, uint64_t value) {
  std::atomic_ref<uint64_t>(reinterpret_cast<uint64_t*>(page)[word])
      .store(value, std::memory_order_relaxed);
}

bool SameBlock(const std::byte* now, const std::byte* twin, uint32_t word) {
  uint64_t differs = 0;
  for (uint32_t index = word; index < word + kBlockWords; ++index) {
    differs |= LoadWord(now, index) ^ LoadWord(twin, index);
  }
  return differs == 0;
}

// 1 in every byte that is not zero.
uint64_t ChangedBytes(uint64_t difference) {
  const uint64_t high = (((difference & ~kHighBits) + ~kHighBits) | difference) & kHighBits;
  return high >> 7;
}

void Merge(std::byte* frame, uint32_t word, uint64_t value, uint64_t mask) {
  std::atomic_ref<uint64_t> at(reinterpret_cast<uint64_t*>(frame)[word]);
  if (mask == ~uint64_t{0}) {
    at.store(value, std::memory_order_relaxed);
    return;
  }
  uint64_t old = at.load(std::memory_order_relaxed);
  while (
      !at.compare_exchange_weak(old, (old & ~mask) | (value & mask), std::memory_order_relaxed)) {
  }
}

}  // namespace

void CopyPage(std::byte* to, const std::byte* from) {
  for (uint32_t word = 0; word < kWords; ++word) StoreWord(to, word, LoadWord(from, word));
}

uint32_t ApplyDiff(const std::byte* now, std::byte* twin, bool refresh, std::byte* frame) {
  uint32_t changed = 0;
  for (uint32_t block = 0; block < kWords; block += kBlockWords) {
    if (SameBlock(now, twin, block)) continue;
    for (uint32_t word = block; word < block + kBlockWords; ++word) {
      const uint64_t value = LoadWord(now, word);
      const uint64_t difference = value ^ LoadWord(twin, word);
      if (difference == 0) continue;
      const uint64_t bytes = ChangedBytes(difference);
      Merge(frame, word, value, bytes * 0xFF);
      if (refresh) StoreWord(twin, word, value);
      changed += static_cast<uint32_t>((bytes * kLowBits) >> 56);
    }
  }
  return changed;
}

ByteRun NextRun(const std::byte* now, const std::byte* twin, uint32_t begin) {
  constexpr uint32_t kBlockBytes = kBlockWords * 8;
  constexpr auto kEnd = static_cast<uint32_t>(kPageBytes);
  while (begin < kEnd && now[begin] == twin[begin]) {
    const bool skips = begin % kBlockBytes == 0 && SameBlock(now, twin, begin / 8);
    begin += skips ? kBlockBytes : 1;
  }
  uint32_t end = begin;
  while (end < kEnd && now[end] != twin[end]) ++end;
  return {begin, end};
}

}  // namespace farpage::internal
