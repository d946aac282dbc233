#include "directory/home_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace farpage::directory {
namespace {

struct Shape {
  uint64_t pages;
  uint32_t nodes;
  uint64_t block_pages;
  uint32_t first_home;

  HomeMap Map() const { return HomeMap(pages, nodes, block_pages, first_home); }
  std::string Text() const {
    return std::to_string(pages) + " pages on " + std::to_string(nodes) + " nodes in blocks of " +
           std::to_string(block_pages) + " from node " + std::to_string(first_home);
  }
};

// All small ones. Cyclic, block and one-home placement are among them.
std::vector<Shape> SmallShapes() {
  std::vector<Shape> shapes;
  for (uint64_t pages = 1; pages <= 26; ++pages) {
    for (uint32_t nodes = 1; nodes <= 5; ++nodes) {
      for (uint64_t block_pages = 1; block_pages <= pages + 1; ++block_pages) {
        for (uint32_t first_home = 0; first_home < nodes; ++first_home) {
          shapes.push_back({pages, nodes, block_pages, first_home});
        }
      }
    }
  }
  return shapes;
}

TEST(HomeMapTest, EveryPageHasAPlaceOfItsOwnAndNoPlaceIsUnused) {
  for (const Shape& shape : SmallShapes()) {
    SCOPED_TRACE(shape.Text());
    const HomeMap map = shape.Map();
    std::vector<std::vector<bool>> used(shape.nodes);
    uint64_t places = 0;
    for (uint32_t node = 0; node < shape.nodes; ++node) {
      used[node].resize(map.PagesAt(NodeId(node)));
      places += used[node].size();
    }
    ASSERT_EQ(places, shape.pages);
    for (uint64_t page = 0; page < shape.pages; ++page) {
      const NodeId home = map.HomeOf(page);
      ASSERT_LT(home.value(), shape.nodes);
      const uint64_t index = map.IndexAtHome(page);
      ASSERT_LT(index, used[home.value()].size());
      ASSERT_FALSE(used[home.value()][index]) << "page " << page;
      used[home.value()][index] = true;
    }
  }
}

TEST(HomeMapTest, ARunIsAllThatLiesTogetherAtOneHome) {
  for (const Shape& shape : SmallShapes()) {
    SCOPED_TRACE(shape.Text());
    const HomeMap map = shape.Map();
    const auto follows = [&](uint64_t page) {
      return map.HomeOf(page) == map.HomeOf(page - 1) &&
             map.IndexAtHome(page) == map.IndexAtHome(page - 1) + 1;
    };
    for (uint64_t page = 0; page < shape.pages; ++page) {
      uint64_t end = page + 1;
      while (end < shape.pages && follows(end)) ++end;
      ASSERT_EQ(map.RunLength(page), end - page) << "page " << page;
    }
  }
}

TEST(HomeMapTest, TheFirstBlockIsWhereItIsWanted) {
  for (const Shape& shape : SmallShapes()) {
    EXPECT_EQ(shape.Map().HomeOf(0), NodeId(shape.first_home));
    EXPECT_EQ(shape.Map().IndexAtHome(0), 0u);
  }
}

TEST(HomeMapTest, CyclicPlacementDealsPages) {
  const HomeMap map(10, 3, 1, 1);
  for (uint64_t page = 0; page < 10; ++page) {
    EXPECT_EQ(map.HomeOf(page), NodeId(static_cast<uint32_t>((page + 1) % 3)));
    EXPECT_EQ(map.IndexAtHome(page), page / 3);
  }
}

TEST(HomeMapTest, OneHomeHasAll) {
  const uint64_t pages = uint64_t{1} << 40;
  const HomeMap map(pages, kMaxNodes, pages, 7);
  EXPECT_EQ(map.HomeOf(pages - 1), NodeId(7));
  EXPECT_EQ(map.IndexAtHome(pages - 1), pages - 1);
  EXPECT_EQ(map.PagesAt(NodeId(7)), pages);
  EXPECT_EQ(map.PagesAt(NodeId(8)), 0u);
  EXPECT_EQ(map.RunLength(5), pages - 5);
}

}  // namespace
}  // namespace farpage::directory
