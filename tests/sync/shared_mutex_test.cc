// The shared mutex: many readers or one writer, in turn, and nobody waits for the dead.
#include "farpage/shared_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>

#include "tests/sync/counted_ordering.h"
#include "tests/sync/permits_cluster.h"

namespace farpage::internal {
namespace {

using SharedMutexTest = SyncTest;

std::vector<SharedMutex> MakeMutexes(SyncCluster& cluster, uint32_t home = 0) {
  std::vector<SharedMutex> mutexes;
  for (const auto& one : MakePermits(cluster, Permits::Kind::kSharedMutex, Permits::kAll, home)) {
    mutexes.emplace_back(one);
  }
  return mutexes;
}

// Waits until a writer waits among readers.
void AwaitWriter(SharedMutex& mutex) {
  Await("a writer that waits", [&] {
    if (!mutex.try_lock_shared()) return true;
    mutex.unlock_shared();
    return false;
  });
}

void ExpectTurns(const transport::Backend& backend, uint32_t nodes, uint32_t threads_per_node,
                 uint32_t turns) {
  SyncCluster cluster(backend, nodes);
  const Orderings orderings = CountReleases(cluster);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, nodes - 1);
  std::atomic<uint64_t> written = 0;  // not atomic enough to count right without the lock
  std::atomic<int> readers = 0;
  std::atomic<int> writers = 0;
  cluster.OnAll([&](uint32_t id) {
    std::vector<std::thread> threads;
    for (uint32_t thread = 0; thread < threads_per_node; ++thread) {
      threads.emplace_back([&, thread] {
        for (uint32_t turn = 0; turn < turns; ++turn) {
          if ((turn + thread + id) % 3 == 0) {
            ASSERT_EQ(mutexes[id].Lock(), absl::OkStatus());
            ASSERT_EQ(writers.fetch_add(1) + readers.load(), 0);
            const uint64_t before = written.load(std::memory_order_relaxed);
            if (turn % 16 == 0) std::this_thread::yield();
            written.store(before + 1, std::memory_order_relaxed);
            writers.fetch_sub(1);
            ASSERT_EQ(mutexes[id].Unlock(), absl::OkStatus());
          } else {
            ASSERT_EQ(mutexes[id].LockShared(), absl::OkStatus());
            readers.fetch_add(1);
            const uint64_t before = written.load(std::memory_order_relaxed);
            if (turn % 16 == 0) std::this_thread::yield();
            ASSERT_EQ(writers.load(), 0);
            ASSERT_EQ(written.load(std::memory_order_relaxed), before);
            readers.fetch_sub(1);
            ASSERT_EQ(mutexes[id].UnlockShared(), absl::OkStatus());
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  uint64_t expected = 0;
  for (uint32_t begin = 0; begin < nodes; ++begin) {
    for (uint32_t thread = 0; thread < threads_per_node; ++thread) {
      for (uint32_t turn = 0; turn < turns; ++turn) expected += (turn + thread + begin) % 3 == 0;
    }
  }
  EXPECT_EQ(written.load(), expected);
}

TEST_P(SharedMutexTest, ManyReadersOrOneWriter) {
  const uint32_t turns = GetParam().repetitions / 40;
  ExpectTurns(GetParam(), 1, 4, turns);
  ExpectTurns(GetParam(), 2, 2, turns);
  ExpectTurns(GetParam(), 3, 3, turns / 4);
  ExpectTurns(GetParam(), 5, 2, turns / 4);
}

TEST_P(SharedMutexTest, ReadersHoldItTogether) {
  SyncCluster cluster(GetParam(), 3);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, 1);
  std::atomic<int> inside = 0;
  cluster.OnAll([&](uint32_t id) {
    ASSERT_EQ(mutexes[id].LockShared(), absl::OkStatus());
    inside.fetch_add(1);
    Await("all readers", [&] { return inside.load() == 3; });
    EXPECT_FALSE(mutexes[id].try_lock());
    EXPECT_EQ(mutexes[id].UnlockShared(), absl::OkStatus());
  });
  EXPECT_TRUE(mutexes[0].try_lock());
  EXPECT_FALSE(mutexes[1].try_lock_shared());
  EXPECT_EQ(mutexes[0].Unlock(), absl::OkStatus());
}

// A reader who comes after a writer waits for it, though others are reading.
TEST_P(SharedMutexTest, WritersDoNotStarveAndReadersAreLetInTogether) {
  SyncCluster cluster(GetParam(), 4);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, 3);
  std::atomic<bool> written = false;
  std::atomic<int> readers = 0;
  ASSERT_EQ(mutexes[0].LockShared(), absl::OkStatus());
  std::thread writer([&] {
    ASSERT_EQ(mutexes[1].Lock(), absl::OkStatus());
    written.store(true);
    ASSERT_EQ(mutexes[1].Unlock(), absl::OkStatus());
  });
  AwaitWriter(mutexes[0]);
  std::vector<std::thread> late;
  for (const uint32_t id : {2u, 3u}) {
    late.emplace_back([&, id] {
      ASSERT_EQ(mutexes[id].LockShared(), absl::OkStatus());
      EXPECT_TRUE(written.load());
      readers.fetch_add(1);
      Await("the other reader", [&] { return readers.load() == 2; });
      ASSERT_EQ(mutexes[id].UnlockShared(), absl::OkStatus());
    });
  }
  EXPECT_EQ(mutexes[0].UnlockShared(), absl::OkStatus());
  writer.join();
  for (std::thread& reader : late) reader.join();
}

TEST_P(SharedMutexTest, TimeoutNamesTheHoldersAndGivesThePlaceUp) {
  SyncCluster cluster(GetParam(), 3, 150);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, 2);
  ASSERT_EQ(mutexes[0].LockShared(), absl::OkStatus());
  const absl::Status late = mutexes[1].Lock();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_TRUE(Names(late, 0)) << late;
  EXPECT_EQ(mutexes[2].LockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[0].UnlockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[2].UnlockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[1].Lock(), absl::OkStatus());
  EXPECT_EQ(mutexes[1].Unlock(), absl::OkStatus());
}

TEST_P(SharedMutexTest, OnlyWhatIsHeldIsUnlocked) {
  SyncCluster cluster(GetParam(), 2);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster);
  const auto expect_not_held = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  };
  expect_not_held(mutexes[0].Unlock());
  expect_not_held(mutexes[0].UnlockShared());
  ASSERT_EQ(mutexes[0].LockShared(), absl::OkStatus());
  expect_not_held(mutexes[0].Unlock());
  expect_not_held(mutexes[1].UnlockShared());
  EXPECT_EQ(mutexes[0].UnlockShared(), absl::OkStatus());
  ASSERT_EQ(mutexes[1].Lock(), absl::OkStatus());
  expect_not_held(mutexes[1].UnlockShared());
  expect_not_held(mutexes[0].Unlock());
  EXPECT_EQ(mutexes[1].Unlock(), absl::OkStatus());
}

TEST_P(SharedMutexTest, DeadReaderIsNamedToWritersAndOthersReadOn) {
  SyncCluster cluster(GetParam(), 4);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, 3);
  ASSERT_EQ(mutexes[0].LockShared(), absl::OkStatus());
  std::thread writer([&] {
    const absl::Status status = mutexes[1].Lock();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 0)) << status;
  });
  AwaitWriter(mutexes[2]);
  cluster.MarkFailed(0);
  writer.join();
  EXPECT_THROW(static_cast<void>(mutexes[2].try_lock()), std::system_error);
  EXPECT_EQ(mutexes[2].LockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[3].LockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[2].UnlockShared(), absl::OkStatus());
  EXPECT_EQ(mutexes[3].UnlockShared(), absl::OkStatus());
}

TEST_P(SharedMutexTest, DeadHomeIsNamed) {
  SyncCluster cluster(GetParam(), 3);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster, 1);
  ASSERT_EQ(mutexes[0].Lock(), absl::OkStatus());
  cluster.MarkFailed(1);
  for (const absl::Status& status :
       {mutexes[0].Unlock(), mutexes[0].Lock(), mutexes[2].LockShared()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 1)) << status;
  }
}

TEST_P(SharedMutexTest, IsSharedLockable) {
  SyncCluster cluster(GetParam(), 2);
  std::vector<SharedMutex> mutexes = MakeMutexes(cluster);
  std::atomic<uint64_t> counter = 0;
  const uint32_t turns = GetParam().repetitions / 100;
  cluster.OnAll([&](uint32_t id) {
    for (uint32_t turn = 0; turn < turns; ++turn) {
      std::unique_lock lock(mutexes[id]);
      counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      lock.unlock();
      std::shared_lock shared(mutexes[id]);
      EXPECT_GT(counter.load(std::memory_order_relaxed), turn);
    }
  });
  EXPECT_EQ(counter.load(), 2 * turns);
  std::shared_lock first(mutexes[0], std::try_to_lock);
  std::shared_lock second(mutexes[1], std::try_to_lock);
  EXPECT_TRUE(first.owns_lock() && second.owns_lock());
}

TEST(SharedMutexDeathTest, UnlockOfALockThatIsNotHeldEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        SyncCluster cluster(SyncBackends()[0], 1);
        MakeMutexes(cluster)[0].unlock_shared();
      },
      "shared mutex 'p0': unlocked \\(shared\\) on node 0, which does not hold it so");
}

FARPAGE_INSTANTIATE_SYNC_TEST(SharedMutexTest);

}  // namespace
}  // namespace farpage::internal
