// Sizes that small objects in shared memory are rounded up to: multiples of 16 bytes up to 128,
// then four steps per doubling, so that at most a fifth of an object is lost to rounding.
#ifndef FARPAGE_RUNTIME_SYNC_SIZE_CLASS_H_
#define FARPAGE_RUNTIME_SYNC_SIZE_CLASS_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace farpage::internal {

inline constexpr size_t kMaxSmallBytes = 4096;
inline constexpr uint32_t kSizeClasses = 28;

constexpr size_t BytesOfClass(uint32_t size_class) {
  if (size_class < 8) return 16 * (size_t{size_class} + 1);
  const uint32_t step = size_class - 8;
  return (size_t{5} + step % 4) << (5 + step / 4);
}

// The smallest class for `bytes` (at most kMaxSmallBytes).
constexpr uint32_t SizeClassOf(size_t bytes) {
  if (bytes <= 16) return 0;
  if (bytes <= 128) return static_cast<uint32_t>((bytes - 1) / 16);
  const auto log = static_cast<uint32_t>(std::bit_width(bytes - 1)) - 1;
  return 8 + 4 * (log - 7) + static_cast<uint32_t>((bytes - 1) >> (log - 2) & 3);
}

// The smallest class whose objects, one after another, are all aligned to `alignment` (a power of
// two, at most kMaxSmallBytes).
constexpr uint32_t SizeClassOf(size_t bytes, size_t alignment) {
  uint32_t size_class = SizeClassOf(bytes < alignment ? alignment : bytes);
  while (BytesOfClass(size_class) % alignment != 0) ++size_class;
  return size_class;
}

static_assert(BytesOfClass(kSizeClasses - 1) == kMaxSmallBytes);
static_assert(SizeClassOf(kMaxSmallBytes) == kSizeClasses - 1);
static_assert(BytesOfClass(SizeClassOf(128)) == 128 && BytesOfClass(SizeClassOf(129)) == 160);
static_assert(BytesOfClass(SizeClassOf(80, 64)) == 128);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SIZE_CLASS_H_
