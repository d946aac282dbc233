// How the applications divide what they work on.
#ifndef FARPAGE_BENCH_APPS_FRAME_RANGE_H_
#define FARPAGE_BENCH_APPS_FRAME_RANGE_H_

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace farpage::apps {

inline constexpr size_t kPageBytes = 4096;

struct Range {
  size_t begin = 0;
  size_t end = 0;

  constexpr size_t size() const { return end - begin; }
  constexpr bool empty() const { return begin == end; }
  bool operator==(const Range&) const = default;
};

// Of how many items of `item_bytes` each a multiple fills whole pages: 512 doubles, 1 row of 4096
// doubles, 64 rows of 1000 doubles.
constexpr size_t ItemsPerWholePages(size_t item_bytes) {
  return std::lcm(item_bytes, kPageBytes) / item_bytes;
}

// Part `part` of `parts` of the items 0 … count − 1, in multiples of `granule`. The parts follow
// each other; the last ones may be smaller, or empty.
//
// With the granule ItemsPerWholePages() these are the items whose pages Placement::kBlock gives to
// node `part` (but for a part that ends in the middle of a page: there is none), so that no two
// nodes write to one page and nobody's own items come from elsewhere.
constexpr Range BlockOf(size_t count, size_t parts, size_t part, size_t granule = 1) {
  const size_t granules = (count + granule - 1) / granule;
  const size_t per_part = (granules + parts - 1) / parts * granule;
  return {std::min(count, part * per_part), std::min(count, (part + 1) * per_part)};
}

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_RANGE_H_
