#include "tests/history/history.h"

#include "gtest/gtest.h"
#include "tests/history/small_histories.h"

namespace farpage::history {
namespace {

TEST(History, NumbersThreadByThread) {
  const History history({{Write(0, 1, 0, 1), Read(2, 0, 2, 3)}, {}, {Read(0, 1, 5, 6)}});
  EXPECT_EQ(history.size(), 3u);
  EXPECT_EQ(history.threads(), 3u);
  EXPECT_EQ(history.locations(), 3u);
  EXPECT_EQ(history.ThreadOf(1), 0u);
  EXPECT_EQ(history.ThreadOf(2), 2u);
}

TEST(History, NamesOperations) {
  const History history({{Write(0, 1, 100, 101)}, {Exchange(0, 1, 2, 105, kNever)}});
  EXPECT_EQ(history.Name(0), "thread 0 #0: x0 = 1 is written in [0, 1]");
  EXPECT_EQ(history.Name(1), "thread 1 #0: x0 = 2 is exchanged for 1 in [5, …)");
}

TEST(History, FindsWhoWrote) {
  const History history({{Write(0, 7, 0, 1), Write(1, 7, 2, 3)}, {Exchange(0, 7, 3, 0, 1)}});
  const WriteIndex index(history);
  EXPECT_EQ(index.Find(0, 7), 0u);
  EXPECT_EQ(index.Find(1, 7), 1u);
  EXPECT_EQ(index.Find(0, 3), 2u);
  EXPECT_EQ(index.Find(0, 4), WriteIndex::kNobody);
  EXPECT_EQ(index.WritesTo(0).size(), 2u);
}

TEST(History, IllFormedIsNamed) {
  EXPECT_TRUE(History({{Write(0, 1, 0, 0), Write(0, 2, 1, 1)}}).CheckWellFormed().ok());
  const auto message = [](const History& history) {
    return std::string(history.CheckWellFormed().message());
  };
  EXPECT_NE(message(History({{Write(0, 1, 5, 4)}})).find("responds first: thread 0 #0"),
            std::string::npos);
  EXPECT_NE(message(History({{Write(0, 1, 0, 1), Read(0, 1, 1, 2)}})).find("overlap: thread 0 #0"),
            std::string::npos);
  EXPECT_NE(message(History({{Write(0, 0, 0, 1)}})).find("writes what was there"),
            std::string::npos);
  EXPECT_NE(message(History({{Write(0, 3, 0, 1)}, {Write(0, 3, 0, 1)}})).find("written twice"),
            std::string::npos);
}

}  // namespace
}  // namespace farpage::history
