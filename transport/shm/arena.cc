#include "transport/shm/arena.h"

#include <algorithm>
#include <iterator>

namespace farpage::transport::shm {

std::optional<uint64_t> Arena::Take(uint64_t bytes) {
  const auto fits = [bytes](const auto& range) { return range.second >= bytes; };
  const auto range = std::find_if(free_.begin(), free_.end(), fits);
  if (range == free_.end()) return std::nullopt;
  const auto [begin, size] = *range;
  free_.erase(range);
  if (size > bytes) free_[begin + bytes] = size - bytes;
  return begin;
}

void Arena::Return(uint64_t begin, uint64_t bytes) {
  const auto next = free_.lower_bound(begin);
  if (next != free_.end() && begin + bytes == next->first) {
    bytes += next->second;
    free_.erase(next);
  }
  const auto after = free_.lower_bound(begin);
  if (after != free_.begin()) {
    const auto previous = std::prev(after);
    if (previous->first + previous->second == begin) {
      previous->second += bytes;
      return;
    }
  }
  free_[begin] = bytes;
}

uint64_t Arena::free_bytes() const {
  uint64_t sum = 0;
  for (const auto& range : free_) sum += range.second;
  return sum;
}

uint64_t Arena::largest_free() const {
  uint64_t largest = 0;
  for (const auto& range : free_) largest = std::max(largest, range.second);
  return largest;
}

}  // namespace farpage::transport::shm
