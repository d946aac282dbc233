#include "tests/litmus/sweep.h"

#include <map>
#include <set>
#include <tuple>

#include "gtest/gtest.h"

namespace farpage::litmus {
namespace {

// Every round has words of its own, inside its region and never the spare word.
TEST(Sweep, RoundsHaveWordsOfTheirOwn) {
  const Sweep sweep(70, 3);
  std::set<std::tuple<Consistency, uint32_t, uint64_t, uint32_t>> used;
  size_t words = 0;
  for (const Cell& cell : sweep.cells()) {
    for (uint32_t round = 0; round < cell.rounds; ++round) {
      for (uint32_t location = 0; location < cell.shape_data().program.locations(); ++location) {
        const Word word = sweep.Locate(cell, round, location);
        EXPECT_LT(word.home, kNodes);
        EXPECT_LT(word.page, sweep.pages());
        EXPECT_LT(word.index, kSpareWord);
        used.emplace(cell.consistency, word.home, word.page, word.index);
        ++words;
      }
    }
  }
  EXPECT_EQ(used.size(), words);
}

// Cold pages belong to one round alone.
TEST(Sweep, ColdPagesAreUntouched) {
  const Sweep sweep(5, 4);
  std::map<std::tuple<Consistency, uint64_t>, std::pair<const Cell*, uint32_t>> owners;
  for (const Cell& cell : sweep.cells()) {
    for (uint32_t round = 0; round < cell.rounds; ++round) {
      for (uint32_t location = 0; location < cell.shape_data().program.locations(); ++location) {
        const Word word = sweep.Locate(cell, round, location);
        const std::pair<const Cell*, uint32_t> self(&cell, round);
        const auto [owner, added] = owners.try_emplace({cell.consistency, word.page}, self);
        if (cell.warmth == Warmth::kCold) {
          EXPECT_EQ(owner->second, self);
        } else {
          EXPECT_NE(owner->second.first->warmth, Warmth::kCold);
        }
      }
    }
  }
}

TEST(Sweep, PlacesLocationsAsAsked) {
  const Sweep sweep(1, 1);
  std::set<std::string> seen;
  for (const Cell& cell : sweep.cells()) {
    EXPECT_TRUE(seen.insert(cell.Describe()).second) << cell.Describe();
    const Word x = sweep.Locate(cell, 0, 0);
    const Word y = sweep.Locate(cell, 0, 1);
    EXPECT_EQ(x.page == y.page, cell.placement.same_page);
    switch (cell.placement.homes) {
      case Homes::kFirst:
        EXPECT_EQ(x.home, 0u);
        EXPECT_EQ(y.home, 0u);
        break;
      case Homes::kLast:
        EXPECT_EQ(x.home, cell.threads() - 1);
        EXPECT_EQ(y.home, cell.threads() - 1);
        break;
      case Homes::kBystander:
        EXPECT_GE(x.home, cell.threads());
        EXPECT_EQ(y.home, x.home);
        break;
      case Homes::kForward:
      case Homes::kBackward:
        EXPECT_NE(x.home, y.home);
        EXPECT_LT(x.home, cell.threads());
        break;
    }
  }
  EXPECT_EQ(seen.size(), Shapes().size() * 2 * 8 * kWarmths);
}

}  // namespace
}  // namespace farpage::litmus
