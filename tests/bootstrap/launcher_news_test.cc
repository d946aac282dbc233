// What a node makes of what the launcher says.
#include "runtime/bootstrap/launcher_news.h"

#include <gtest/gtest.h>

#include <string>

#include "runtime/bootstrap/messages.h"

namespace farpage::bootstrap {
namespace {

constexpr uint32_t kNodes = 2;

Frame FrameOf(MessageType type, const std::string& bytes) {
  Frame frame;
  frame.type = type;
  frame.payload = bytes.substr(kFrameHeaderBytes);
  return frame;
}

Frame PartOf(uint32_t node) {
  return FrameOf(MessageType::kPart, EncodePart({NodeId(node), "x"}, 0));
}

TEST(LauncherNewsTest, AnExchangeIsOverWithAPartOfEveryNode) {
  LauncherNews news(kNodes);
  news.BeginExchange();
  ASSERT_TRUE(news.Take(PartOf(1)).ok());
  EXPECT_FALSE(news.exchange_over());
  ASSERT_TRUE(news.Take(PartOf(0)).ok());
  ASSERT_TRUE(news.exchange_over());
  const auto parts = news.EndExchange();
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(parts->size(), kNodes);
}

TEST(LauncherNewsTest, PartsNobodyAskedForAreRefused) {
  LauncherNews news(kNodes);
  EXPECT_EQ(news.Take(PartOf(0)).code(), absl::StatusCode::kInvalidArgument);
  news.BeginExchange();
  EXPECT_TRUE(news.Take(PartOf(0)).ok());
  EXPECT_EQ(news.Take(PartOf(0)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(news.Take(PartOf(kNodes)).code(), absl::StatusCode::kInvalidArgument);
}

TEST(LauncherNewsTest, TheDeadAreNodesOfTheCluster) {
  LauncherNews news(kNodes);
  const auto death = [](uint32_t node) {
    return FrameOf(MessageType::kDeath, EncodeDeath({NodeId(node), "it was killed"}));
  };
  EXPECT_TRUE(news.Take(death(1)).ok());
  EXPECT_EQ(news.Take(death(kNodes)).code(), absl::StatusCode::kInvalidArgument);
  const auto deaths = news.TakeDeaths();
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].node, NodeId(1));
  EXPECT_EQ(deaths[0].reason, "it was killed");
}

TEST(LauncherNewsTest, TheFirstReasonStays) {
  LauncherNews news(kNodes);
  news.BeginExchange();
  news.Break(absl::UnavailableError("the first"));
  news.Break(absl::UnavailableError("the second"));
  ASSERT_TRUE(news.exchange_over());
  EXPECT_EQ(news.EndExchange().status().message(), "the first");
  EXPECT_TRUE(news.Take(PartOf(0)).ok());  // of the exchange that was given up
}

}  // namespace
}  // namespace farpage::bootstrap
