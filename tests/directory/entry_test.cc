#include "directory/entry.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace farpage::directory {
namespace {

TEST(EntryTest, UpToSixtyFourNodesAnEntryIsSixteenBytes) {
  for (uint32_t nodes = 1; nodes <= 64; ++nodes) EXPECT_EQ(EntryLayout(nodes).bytes(), 16u);
  EXPECT_EQ(EntryLayout(65).bytes(), 24u);
  EXPECT_EQ(EntryLayout(kMaxNodes).bytes(), 8 + kMaxNodes / 8);
}

TEST(EntryTest, EveryNodeHasABitOfItsOwnInTheEntry) {
  for (uint32_t nodes : {1u, 2u, 63u, 64u, 65u, 128u, 129u, kMaxNodes}) {
    const EntryLayout layout(nodes);
    std::set<std::pair<uint32_t, uint64_t>> bits;
    for (uint32_t node = 0; node < nodes; ++node) {
      const uint32_t offset = EntryLayout::BitOffset(NodeId(node));
      EXPECT_EQ(offset % 8, 0u);
      EXPECT_GE(offset, 8u) << "the first word is the holder's";
      EXPECT_LE(offset + 8, layout.bytes());
      bits.emplace(offset, EntryLayout::BitValue(NodeId(node)));
    }
    EXPECT_EQ(bits.size(), nodes);
  }
}

// What fetch-and-add does to the words is what the sharers are read from.
TEST(EntryTest, AddingAndSubtractingOnesBitTouchesNoOther) {
  const uint32_t nodes = 130;
  const EntryLayout layout(nodes);
  std::vector<uint64_t> words(layout.words());
  const auto word_of = [&](uint32_t node) -> uint64_t& {
    return words[EntryLayout::BitOffset(NodeId(node)) / 8];
  };
  for (uint32_t node = 0; node < nodes; ++node)
    word_of(node) += EntryLayout::BitValue(NodeId(node));
  EXPECT_EQ(layout.Sharers(words.data()).count(), nodes);
  for (uint32_t node = 0; node < nodes; ++node) {
    word_of(node) += 0 - EntryLayout::BitValue(NodeId(node));
    const NodeSet sharers = layout.Sharers(words.data());
    EXPECT_FALSE(sharers.contains(NodeId(node)));
    EXPECT_EQ(sharers.count(), nodes - 1);
    word_of(node) += EntryLayout::BitValue(NodeId(node));
  }
  EXPECT_EQ(words[0], kNoHolder);
}

TEST(EntryTest, TheHolderWordNamesOneNodeOrNone) {
  EXPECT_EQ(EncodeHolder(NodeId::None()), kNoHolder);
  EXPECT_FALSE(DecodeHolder(kNoHolder).valid());
  for (uint32_t node = 0; node < kMaxNodes; ++node) {
    const uint64_t word = EncodeHolder(NodeId(node));
    EXPECT_NE(word, kNoHolder);
    EXPECT_EQ(DecodeHolder(word), NodeId(node));
    EXPECT_TRUE(IsHolderWord(word, node + 1));
    EXPECT_FALSE(IsHolderWord(word, node));
  }
  EXPECT_FALSE(IsHolderWord(~uint64_t{0}, kMaxNodes));
}

TEST(EntryTest, AddingTheChangePassesTheHolderWordOn) {
  std::vector<NodeId> nodes = {NodeId::None(), NodeId(0),  NodeId(1),
                               NodeId(63),     NodeId(64), NodeId(kMaxNodes - 1)};
  for (NodeId from : nodes) {
    for (NodeId to : nodes) {
      EXPECT_EQ(EncodeHolder(from) + HolderChange(from, to), EncodeHolder(to));
    }
  }
}

}  // namespace
}  // namespace farpage::directory
