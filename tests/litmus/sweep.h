// In which situations the litmus tests run: where their locations lie, and what the nodes have in
// their caches.
#ifndef FARPAGE_TESTS_LITMUS_SWEEP_H_
#define FARPAGE_TESTS_LITMUS_SWEEP_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "farpage/node.h"
#include "tests/litmus/shape.h"

namespace farpage::litmus {

// Thread t of a program runs on node t. One more node takes part in no program.
inline constexpr uint32_t kMostThreads = 4;
inline constexpr uint32_t kNodes = kMostThreads + 1;
inline constexpr uint32_t kMostLocations = 3;
inline constexpr uint32_t kMostReads = 2;  // of one thread

// Which node is the home of a location.
enum class Homes : uint8_t {
  kFirst,      // of all: that of the first thread, a writer
  kLast,       // of all: that of the last thread, a reader
  kBystander,  // of all: a node that runs none of the threads
  kForward,    // a node for each location: the first thread's for the first …
  kBackward,   // … or the last thread's for the first
};

struct Placement {
  const char* name;
  bool same_page;
  Homes homes;
};
std::vector<Placement> Placements();

// What the nodes have of the locations' pages when the threads start.
enum class Warmth : uint8_t {
  kCold,        // nothing: nobody has ever touched the pages
  kShared,      // every thread's node has a copy
  kFirstHolds,  // the first thread's node holds them for writing
  kLastHolds,   // the last thread's node does
};
inline constexpr uint32_t kWarmths = 4;
const char* Name(Warmth warmth);

// One situation, in which a shape runs for some rounds.
struct Cell {
  uint32_t shape = 0;  // index in Shapes()
  Consistency consistency = Consistency::kSequential;
  Placement placement{};
  Warmth warmth = Warmth::kCold;
  uint32_t rounds = 0;
  uint32_t first_group = 0;  // of pages, or of words of pages that are used again

  const Shape& shape_data() const { return Shapes()[shape]; }
  uint32_t threads() const { return static_cast<uint32_t>(shape_data().program.threads.size()); }
  std::string Describe() const;
};

// A word of the memory under test: there is a region for each home and consistency.
struct Word {
  uint32_t home = 0;
  uint64_t page = 0;
  uint32_t index = 0;  // in the page
};
inline constexpr uint32_t kPageWords = 512;
inline constexpr uint32_t kSpareWord = kPageWords - 1;  // of a page: never a location

// All situations, the same in every process.
class Sweep {
 public:
  // `rounds` in each situation, `cold_rounds` in each that needs untouched pages.
  Sweep(uint32_t rounds, uint32_t cold_rounds);
  // One situation alone.
  explicit Sweep(const Cell& cell);

  const std::vector<Cell>& cells() const { return cells_; }
  // Of each region.
  uint64_t pages() const { return (cold_groups_ + warm_groups_) * kMostLocations; }
  // Where a location of a cell lies in a round. Every round has words of its own, which are 0.
  Word Locate(const Cell& cell, uint32_t round, uint32_t location) const;

 private:
  std::vector<Cell> cells_;
  uint64_t cold_groups_ = 0;  // each used once
  uint64_t warm_groups_ = 0;  // used again and again, with other words
};

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SWEEP_H_
