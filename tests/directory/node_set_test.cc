#include "directory/node_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace farpage::directory {
namespace {

std::vector<uint32_t> Members(const NodeSet& nodes) {
  std::vector<uint32_t> members;
  nodes.ForEach([&](NodeId node) { members.push_back(node.value()); });
  return members;
}

TEST(NodeSetTest, IsEmptyAtFirst) {
  const NodeSet nodes;
  EXPECT_TRUE(nodes.empty());
  EXPECT_EQ(nodes.count(), 0u);
  EXPECT_TRUE(Members(nodes).empty());
}

TEST(NodeSetTest, EveryNodeHasAPlaceOfItsOwn) {
  for (uint32_t node = 0; node < kMaxNodes; ++node) {
    NodeSet nodes;
    nodes.insert(NodeId(node));
    EXPECT_FALSE(nodes.empty());
    EXPECT_EQ(nodes.count(), 1u);
    ASSERT_EQ(Members(nodes), std::vector<uint32_t>{node});
    nodes.erase(NodeId(node));
    EXPECT_TRUE(nodes.empty()) << node;
  }
}

TEST(NodeSetTest, InsertingAndErasingTwiceIsOnce) {
  NodeSet nodes;
  nodes.insert(NodeId(65));
  nodes.insert(NodeId(65));
  EXPECT_EQ(nodes.count(), 1u);
  nodes.erase(NodeId(65));
  nodes.erase(NodeId(65));
  EXPECT_TRUE(nodes.empty());
}

TEST(NodeSetTest, AgreesWithStdSet) {
  NodeSet nodes;
  std::set<uint32_t> expected;
  uint32_t state = 1;
  for (int step = 0; step < 20'000; ++step) {
    state = state * 1'664'525 + 1'013'904'223;
    const uint32_t node = (state >> 8) % kMaxNodes;
    if ((state >> 30) % 2 == 0) {
      nodes.insert(NodeId(node));
      expected.insert(node);
    } else {
      nodes.erase(NodeId(node));
      expected.erase(node);
    }
    ASSERT_EQ(nodes.contains(NodeId(node)), expected.contains(node));
    ASSERT_EQ(nodes.count(), expected.size());
  }
  EXPECT_EQ(Members(nodes), std::vector<uint32_t>(expected.begin(), expected.end()));
  nodes.clear();
  EXPECT_TRUE(nodes.empty());
}

TEST(NodeSetTest, WordsHoldSixtyFourNodesEach) {
  for (uint32_t node = 0; node < kMaxNodes; ++node) {
    NodeSet by_word;
    by_word.set_word(node / 64, uint64_t{1} << node % 64);
    NodeSet by_node;
    by_node.insert(NodeId(node));
    ASSERT_EQ(by_word, by_node) << node;
    ASSERT_EQ(by_node.word(node / 64), uint64_t{1} << node % 64);
  }
}

}  // namespace
}  // namespace farpage::directory
