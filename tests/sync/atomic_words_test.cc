// Arrays of words changed by all nodes.
#include "runtime/sync/atomic_words.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "farpage/atomic_array.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {
namespace {

using AtomicWordsTest = SyncTest;
using Arrays = std::vector<std::shared_ptr<AtomicWordsImpl>>;

Arrays MakeArrays(SyncCluster& cluster, size_t size) {
  return cluster.Make<std::shared_ptr<AtomicWordsImpl>>(
      [&](Cluster& c) { return AtomicWordsImpl::Create(c, "words", size); });
}

TEST_P(AtomicWordsTest, EveryNodeSeesEveryElement) {
  for (const uint32_t nodes : {1u, 2u, 3u, 5u, 8u}) {
    SyncCluster cluster(GetParam(), nodes);
    for (const size_t size : {1u, 2u, 7u, 64u, 100u}) {
      SCOPED_TRACE(testing::Message() << nodes << " nodes, " << size << " words");
      Arrays arrays = MakeArrays(cluster, size);
      for (size_t index = 0; index < size; ++index) {
        const auto writer = index % nodes;
        EXPECT_EQ(arrays[writer]->size(), size);
        EXPECT_EQ(arrays[writer]->Load(index), 0u);
        arrays[writer]->Store(index, 100 + index);
      }
      for (uint32_t id = 0; id < nodes; ++id) {
        for (size_t index = 0; index < size; ++index) {
          const uint64_t value = 100 + index + 2 * id;
          ASSERT_EQ(arrays[id]->Load(index), value);
          ASSERT_EQ(arrays[id]->FetchAdd(index, 1), value);
          ASSERT_EQ(arrays[id]->CompareExchange(index, value, 0), value + 1);
          ASSERT_EQ(arrays[id]->CompareExchange(index, value + 1, value + 2), value + 1);
        }
      }
    }
  }
}

// Threads of all nodes add, and replace by compare-and-swap, the same words.
TEST_P(AtomicWordsTest, NothingIsLost) {
  constexpr uint32_t kNodes = 3;
  constexpr uint32_t kThreads = 3;
  constexpr size_t kWords = 3;  // one at each home
  SyncCluster cluster(GetParam(), kNodes);
  Arrays arrays = MakeArrays(cluster, kWords);
  const uint32_t turns = GetParam().repetitions / 10;
  cluster.OnAll([&](uint32_t id) {
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (uint32_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (uint32_t turn = 0; turn < turns; ++turn) {
          const size_t index = (turn + thread) % kWords;
          if (turn % 2 == 0) {
            arrays[id]->FetchAdd(index, 1);
            continue;
          }
          uint64_t expected = arrays[id]->Load(index);
          for (;;) {
            const uint64_t found = arrays[id]->CompareExchange(index, expected, expected + 1);
            if (found == expected) break;
            expected = found;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  uint64_t sum = 0;
  for (size_t index = 0; index < kWords; ++index) sum += arrays[0]->Load(index);
  EXPECT_EQ(sum, uint64_t{kNodes} * kThreads * turns);
}

// A store is whole: additions come before it or after it, never in the middle. Node 0 stores
// multiples of 2^32; the others add ones, and what they find in the upper half is always one of
// those stores, in order.
TEST_P(AtomicWordsTest, StoresAreAtomicWithAdditions) {
  SyncCluster cluster(GetParam(), 3);
  for (const size_t index : {0u, 1u}) {  // node 0's own word, and another's
    Arrays arrays = MakeArrays(cluster, 3);
    const uint32_t turns = GetParam().repetitions / 10;
    std::atomic<bool> done = false;
    cluster.OnAll([&](uint32_t id) {
      if (id == 0) {
        for (uint64_t turn = 1; turn <= turns; ++turn) arrays[0]->Store(index, turn << 32);
        done.store(true);
        return;
      }
      uint64_t latest = 0;
      while (!done.load()) {
        const uint64_t found = arrays[id]->FetchAdd(index, 1);
        ASSERT_GE(found >> 32, latest >> 32);
        ASSERT_LE(found >> 32, turns);
        latest = found;
      }
    });
    EXPECT_EQ(arrays[2]->Load(index) >> 32, turns);
  }
}

TEST_P(AtomicWordsTest, ArraysOfNumbers) {
  SyncCluster cluster(GetParam(), 2);
  Arrays words = MakeArrays(cluster, 4);
  AtomicArray<int64_t> first{AtomicWords(words[0])};
  AtomicArray<double> second{AtomicWords(words[1])};
  EXPECT_EQ(first.size(), 4u);
  EXPECT_EQ(first.fetch_sub(3, 5), 0);
  EXPECT_EQ(first.load(3), -5);
  EXPECT_EQ(first.exchange(3, 7), -5);
  second.store(2, 0.5);
  double expected = 0.25;
  EXPECT_FALSE(second.compare_exchange(2, expected, 1.0));
  EXPECT_EQ(expected, 0.5);
  EXPECT_TRUE(second.compare_exchange(2, expected, 1.0));
  EXPECT_EQ(second.load(2), 1.0);
}

TEST_P(AtomicWordsTest, IndexOutOfRange) {
  SyncCluster cluster(GetParam(), 2);
  for (const size_t size : {0u, 5u}) {
    Arrays arrays = MakeArrays(cluster, size);
    EXPECT_THROW(arrays[0]->Load(size), std::out_of_range);
    EXPECT_THROW(arrays[1]->Store(size, 1), std::out_of_range);
    EXPECT_THROW(arrays[1]->FetchAdd(SIZE_MAX, 1), std::out_of_range);
  }
}

TEST_P(AtomicWordsTest, DeadHomeIsNamed) {
  SyncCluster cluster(GetParam(), 3);
  Arrays arrays = MakeArrays(cluster, 3);
  cluster.MarkFailed(1);
  for (const uint32_t id : {0u, 2u}) {
    EXPECT_EQ(arrays[id]->FetchAdd(id, 1), 0u);
    try {
      arrays[id]->FetchAdd(1, 1);
      FAIL() << "nothing was thrown";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::host_unreachable);
      EXPECT_NE(std::string(error.what()).find("element 1: node 1 failed"), std::string::npos)
          << error.what();
    }
  }
}

TEST_P(AtomicWordsTest, SizesAreCompared) {
  SyncCluster cluster(GetParam(), 2);
  cluster.OnAll([&](uint32_t id) {
    auto words = AtomicWordsImpl::Create(cluster.node(id).cluster(), "w", 10 + id);
    EXPECT_EQ(words.status().code(), absl::StatusCode::kInvalidArgument) << words.status();
    EXPECT_NE(words.status().message().find("11 words"), absl::string_view::npos) << words.status();
  });
}

TEST_P(AtomicWordsTest, SizeBeyondCapacity) {
  SyncCluster cluster(GetParam(), 2);
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 16, size_t{1} << 55}) {
    cluster.OnAll([&](uint32_t id) {
      auto words = AtomicWordsImpl::Create(cluster.node(id).cluster(), "w", size);
      EXPECT_EQ(words.status().code(), absl::StatusCode::kResourceExhausted) << words.status();
    });
  }
}

FARPAGE_INSTANTIATE_SYNC_TEST(AtomicWordsTest);

}  // namespace
}  // namespace farpage::internal
