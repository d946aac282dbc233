#include "bench/apps/problems/random_access.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace farpage::apps {
namespace {

TEST(UpdateStream, StartsWhereItIsTold) {
  UpdateStream from_zero;
  for (uint64_t position = 0; position < 5000; ++position) {
    UpdateStream jumped(position);
    ASSERT_EQ(jumped.Next(), from_zero.Next()) << position;
  }
}

TEST(UpdateStream, FarAwayIsWhatTwoJumpsOfHalfTheWayGive) {
  // x^(2⁴⁰ + 64) by stepping 64 times from 2⁴⁰.
  UpdateStream stepped(uint64_t{1} << 40);
  for (int step = 0; step < 64; ++step) stepped.Next();
  EXPECT_EQ(stepped.Next(), UpdateStream((uint64_t{1} << 40) + 64).Next());
}

TEST(UpdateStream, BeginsWithPowersOfX) {
  UpdateStream stream;
  for (int power = 1; power < 64; ++power) EXPECT_EQ(stream.Next(), uint64_t{1} << power);
  EXPECT_EQ(stream.Next(), 7u);  // x⁶⁴ = x² + x + 1
  EXPECT_EQ(stream.Next(), 14u);
}

TEST(RandomAccess, TwiceTheSameUpdatesGiveTheFirstTable) {
  std::vector<uint64_t> first(1 << 12);
  std::iota(first.begin(), first.end(), uint64_t{0});
  std::vector<uint64_t> table = first;
  UpdateAll(table);
  // The stream begins with numbers of few bits, so that many of the first hit the same words.
  EXPECT_GT(CountErrors(table, first), first.size() / 2);
  UpdateAll(table);
  EXPECT_EQ(CountErrors(table, first), 0u);
}

TEST(RandomAccess, PiecesGiveWhatTheWholeGives) {
  std::vector<uint64_t> whole(256);
  UpdateAll(whole);
  std::vector<uint64_t> table(256);
  std::vector<std::vector<uint64_t>> for_half(2);
  UpdateStream stream;
  for (uint64_t update = 0; update < kUpdatesPerWord * table.size(); ++update) {
    const uint64_t number = stream.Next();
    for_half[(number & 255) / 128].push_back(number);
  }
  const std::span<uint64_t> view = table;
  ApplyUpdates(for_half[0], view.first(128), 0, 255);
  ApplyUpdates(for_half[1], view.last(128), 128, 255);
  EXPECT_EQ(CountErrors(table, whole), 0u);
  table[7] ^= 1;
  EXPECT_EQ(CountErrors(table, whole), 1u);
}

}  // namespace
}  // namespace farpage::apps
