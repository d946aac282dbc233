#include "runtime/release/diff.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/memory/pager.h"

namespace farpage::internal {
namespace {

struct alignas(64) PageBytes {
  std::array<std::byte, kPageBytes> bytes{};
  std::byte* data() { return bytes.data(); }
  friend bool operator==(const PageBytes&, const PageBytes&) = default;
};

PageBytes RandomPage(std::mt19937& random) {
  PageBytes page;
  for (std::byte& byte : page.bytes) byte = static_cast<std::byte>(random());
  return page;
}

TEST(Diff, WritesTheChangedBytesAndNoOther) {
  std::mt19937 random(1);
  for (const unsigned rarity : {1u, 2u, 3u, 9u, 100u, 5000u}) {
    PageBytes twin = RandomPage(random);
    PageBytes now = twin;
    PageBytes frame = RandomPage(random);  // whatever others have written
    PageBytes expected = frame;
    uint32_t changes = 0;
    for (size_t byte = 0; byte < kPageBytes; ++byte) {
      if (random() % rarity != 0) continue;
      now.bytes[byte] ^= static_cast<std::byte>(1 + random() % 255);
      expected.bytes[byte] = now.bytes[byte];
      ++changes;
    }
    const PageBytes old_twin = twin;
    EXPECT_EQ(ApplyDiff(now.data(), twin.data(), false, frame.data()), changes);
    EXPECT_EQ(frame, expected);
    EXPECT_EQ(twin, old_twin);
    EXPECT_EQ(ApplyDiff(now.data(), twin.data(), true, frame.data()), changes);
    EXPECT_EQ(twin, now);
    EXPECT_EQ(ApplyDiff(now.data(), twin.data(), true, frame.data()), 0u);
  }
}

TEST(Diff, RunsCoverTheChangedBytes) {
  std::mt19937 random(2);
  for (const unsigned rarity : {1u, 2u, 7u, 300u, 5000u}) {
    PageBytes twin = RandomPage(random);
    PageBytes now = twin;
    for (std::byte& byte : now.bytes) {
      if (random() % rarity == 0) byte ^= std::byte{0x40};
    }
    uint32_t at = 0;
    for (ByteRun run = NextRun(now.data(), twin.data(), 0); run.begin < run.end;
         run = NextRun(now.data(), twin.data(), run.end)) {
      for (; at < run.begin; ++at) ASSERT_EQ(now.bytes[at], twin.bytes[at]);
      for (; at < run.end; ++at) ASSERT_NE(now.bytes[at], twin.bytes[at]);
    }
    for (; at < kPageBytes; ++at) ASSERT_EQ(now.bytes[at], twin.bytes[at]);
  }
}

// Writers of different bytes of the same words lose nothing of each other's.
TEST(Diff, WritersOfOneWordDoNotDisturbEachOther) {
  constexpr int kRounds = 200;
  PageBytes frame;
  std::vector<std::thread> writers;
  for (size_t writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&frame, writer] {
      for (int round = 1; round <= kRounds; ++round) {
        PageBytes twin;
        PageBytes now;
        for (size_t byte = writer; byte < kPageBytes; byte += 4) {
          twin.bytes[byte] = static_cast<std::byte>(round - 1);
          now.bytes[byte] = static_cast<std::byte>(round);
        }
        ApplyDiff(now.data(), twin.data(), false, frame.data());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (const std::byte byte : frame.bytes) ASSERT_EQ(byte, static_cast<std::byte>(kRounds));
}

}  // namespace
}  // namespace farpage::internal
