#include "tests/litmus/sweep.h"

#include <array>

namespace farpage::litmus {
namespace {

// Rounds that one group of pages serves when it is used again.
constexpr uint64_t kUses = kPageWords / 8;

uint32_t HomeOf(Homes homes, uint32_t threads, uint32_t location) {
  switch (homes) {
    case Homes::kFirst:
      return 0;
    case Homes::kLast:
      return threads - 1;
    case Homes::kBystander:
      return kNodes - 1;
    case Homes::kForward:
      return location % threads;
    case Homes::kBackward:
      return threads - 1 - location % threads;
  }
  return 0;
}

}  // namespace

std::vector<Placement> Placements() {
  return {
      {"same page, home of the first thread", true, Homes::kFirst},
      {"same page, home of the last thread", true, Homes::kLast},
      {"same page, home elsewhere", true, Homes::kBystander},
      {"pages apart, home of the first thread", false, Homes::kFirst},
      {"pages apart, home of the last thread", false, Homes::kLast},
      {"pages apart, home elsewhere", false, Homes::kBystander},
      {"homes apart, the first thread's first", false, Homes::kForward},
      {"homes apart, the last thread's first", false, Homes::kBackward},
  };
}

const char* Name(Warmth warmth) {
  static constexpr std::array<const char*, kWarmths> kNames = {
      "cold", "copies everywhere", "first thread holds", "last thread holds"};
  return kNames[static_cast<size_t>(warmth)];
}

std::string Cell::Describe() const {
  return std::string(shape_data().name) + ", " +
         (consistency == Consistency::kStrict ? "strict" : "sequential") + ", " + placement.name +
         ", " + Name(warmth);
}

Sweep::Sweep(uint32_t rounds, uint32_t cold_rounds) {
  // A region of one consistency has its own pages; both use the same numbers.
  uint32_t warm_rounds = 0;
  for (const Consistency consistency : {Consistency::kSequential, Consistency::kStrict}) {
    uint32_t cold = 0;
    uint32_t warm = 0;
    for (uint32_t shape = 0; shape < Shapes().size(); ++shape) {
      for (const Placement& placement : Placements()) {
        for (uint32_t warmth = 0; warmth < kWarmths; ++warmth) {
          Cell cell{shape, consistency, placement, static_cast<Warmth>(warmth), rounds, warm};
          if (cell.warmth == Warmth::kCold) {
            cell.rounds = cold_rounds;
            cell.first_group = cold;
            cold += cold_rounds;
          } else {
            warm += rounds;
          }
          cells_.push_back(cell);
        }
      }
    }
    cold_groups_ = cold;
    warm_rounds = warm;
  }
  warm_groups_ = (warm_rounds + kUses - 1) / kUses;
}

Sweep::Sweep(const Cell& cell) : cells_{cell} {
  cells_[0].first_group = 0;
  cold_groups_ = cell.warmth == Warmth::kCold ? cell.rounds : 0;
  warm_groups_ = (cell.rounds + kUses - 1) / kUses + 1;
}

Word Sweep::Locate(const Cell& cell, uint32_t round, uint32_t location) const {
  Word word{.home = HomeOf(cell.placement.homes, cell.threads(), location)};
  const uint64_t number = cell.first_group + round;
  const bool cold = cell.warmth == Warmth::kCold;
  const uint64_t group = cold ? number : cold_groups_ + number % warm_groups_;
  const uint64_t use = cold ? 0 : number / warm_groups_;
  word.page = group * kMostLocations + (cell.placement.same_page ? 0 : location);
  word.index = static_cast<uint32_t>(use * 4 + location);
  return word;
}

}  // namespace farpage::litmus
