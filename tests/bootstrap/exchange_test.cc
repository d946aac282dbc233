#include "runtime/bootstrap/exchange.h"

#include <gtest/gtest.h>

namespace farpage::bootstrap {
namespace {

using std::chrono::milliseconds;

const Exchange::Time kNow{};

Contribute At(const char* key, uint32_t timeout_ms = 1000) { return {key, timeout_ms, "bytes"}; }

std::vector<NodeId> Nodes(std::initializer_list<uint32_t> values) {
  std::vector<NodeId> nodes;
  for (uint32_t value : values) nodes.emplace_back(value);
  return nodes;
}

TEST(NodeList, ReadsLikeASentence) {
  EXPECT_EQ(NodeList(Nodes({3})), "node 3");
  EXPECT_EQ(NodeList(Nodes({1, 3})), "nodes 1 and 3");
  EXPECT_EQ(NodeList(Nodes({1, 2, 3})), "nodes 1, 2 and 3");
  EXPECT_EQ(NodeList(Nodes({0, 1, 2, 3, 4, 5, 6, 7, 8, 9})),
            "nodes 0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
}

TEST(Exchange, CompletesWithAllAndStartsAfresh) {
  Exchange exchange(2);
  for (const char* key : {"first", "second"}) {
    EXPECT_EQ(exchange.deadline(), Exchange::Time::max());
    ASSERT_TRUE(exchange.Add(NodeId(1), At(key), {}, kNow).ok());
    EXPECT_FALSE(exchange.complete());
    ASSERT_TRUE(exchange.Add(NodeId(0), At(key), {}, kNow).ok());
    ASSERT_TRUE(exchange.complete());
    EXPECT_EQ(exchange.TakeParts().size(), 2u);
  }
}

TEST(Exchange, AnotherKeyIsRefusedWithBoth) {
  Exchange exchange(3);
  ASSERT_TRUE(exchange.Add(NodeId(2), At("allocate x"), {}, kNow).ok());
  const absl::Status status = exchange.Add(NodeId(0), At("barrier"), {}, kNow);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.message().find("node 2 is in exchange 'allocate x'"), absl::string_view::npos);
  EXPECT_NE(status.message().find("node 0 in 'barrier'"), absl::string_view::npos);
}

TEST(Exchange, TwiceIsRefused) {
  Exchange exchange(2);
  ASSERT_TRUE(exchange.Add(NodeId(0), At("key"), {}, kNow).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(exchange.Add(NodeId(0), At("key"), {}, kNow)));
}

TEST(Exchange, TheFirstDeadlineCounts) {
  Exchange exchange(3);
  ASSERT_TRUE(exchange.Add(NodeId(0), At("key", 500), {}, kNow).ok());
  ASSERT_TRUE(exchange.Add(NodeId(1), At("key", 300), {}, kNow + milliseconds(100)).ok());
  EXPECT_EQ(exchange.deadline(), kNow + milliseconds(400));
}

TEST(Exchange, TheMissingAreNamed) {
  Exchange exchange(4);
  ASSERT_TRUE(exchange.Add(NodeId(0), At("join", 29'998), {}, kNow).ok());
  EXPECT_EQ(exchange.Missed({true, false, true, false}),
            absl::DeadlineExceededError("nodes 1 and 3 of 4 have not joined, and node 2 of 4 has "
                                        "not come to exchange 'join' within 30 s"));
  ASSERT_TRUE(exchange.Add(NodeId(2), At("join", 250), {}, kNow).ok());
  EXPECT_EQ(exchange.Missed({true, false, true, false}),
            absl::DeadlineExceededError("nodes 1 and 3 of 4 have not joined within 250 ms"));
}

}  // namespace
}  // namespace farpage::bootstrap
