// The semaphore: never more permits than there are, in turn, and what was released is heard of.
#include "farpage/semaphore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/sync/counted_ordering.h"
#include "tests/sync/permits_cluster.h"

namespace farpage::internal {
namespace {

using SemaphoreTest = SyncTest;

std::vector<Semaphore> MakeSemaphores(SyncCluster& cluster, uint64_t permits, uint32_t home = 0) {
  std::vector<Semaphore> semaphores;
  for (const auto& one : MakePermits(cluster, Permits::Kind::kSemaphore, permits, home)) {
    semaphores.emplace_back(one);
  }
  return semaphores;
}

void ExpectAtMost(const transport::Backend& backend, int permits, uint32_t nodes,
                  uint32_t threads_per_node, uint32_t turns) {
  SyncCluster cluster(backend, nodes);
  std::vector<Semaphore> semaphores =
      MakeSemaphores(cluster, static_cast<uint64_t>(permits), nodes - 1);
  std::atomic<int> inside = 0;
  cluster.OnAll([&](uint32_t id) {
    std::vector<std::thread> threads;
    for (uint32_t thread = 0; thread < threads_per_node; ++thread) {
      threads.emplace_back([&] {
        for (uint32_t turn = 0; turn < turns; ++turn) {
          ASSERT_EQ(semaphores[id].Acquire(), absl::OkStatus());
          ASSERT_LT(inside.fetch_add(1), permits);
          if (turn % 16 == 0) std::this_thread::yield();
          inside.fetch_sub(1);
          ASSERT_EQ(semaphores[id].Release(), absl::OkStatus());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  for (int permit = 0; permit < permits; ++permit) EXPECT_TRUE(*semaphores[0].TryAcquire());
  EXPECT_FALSE(*semaphores[0].TryAcquire());
}

TEST_P(SemaphoreTest, NeverMoreThanThereArePermits) {
  const uint32_t turns = GetParam().repetitions / 40;
  ExpectAtMost(GetParam(), 1, 2, 2, turns);
  ExpectAtMost(GetParam(), 2, 3, 2, turns / 2);
  ExpectAtMost(GetParam(), 3, 5, 2, turns / 4);
}

TEST_P(SemaphoreTest, OneReleaseOfManyLetsAllIn) {
  SyncCluster cluster(GetParam(), 4);
  std::vector<Semaphore> semaphores = MakeSemaphores(cluster, 0, 1);
  std::atomic<int> inside = 0;
  cluster.OnAll([&](uint32_t id) {
    if (id == 0) {
      EXPECT_FALSE(*semaphores[0].TryAcquire());
      ASSERT_EQ(semaphores[0].Release(3), absl::OkStatus());
      return;
    }
    ASSERT_EQ(semaphores[id].Acquire(), absl::OkStatus());
    inside.fetch_add(1);
    Await("all", [&] { return inside.load() == 3; });
  });
  EXPECT_FALSE(*semaphores[0].TryAcquire());
}

// Each consumer takes what some producer has put there, and has heard of what was released before.
TEST_P(SemaphoreTest, AcquireHearsOfEveryReleaseBefore) {
  constexpr uint32_t kNodes = 4;
  SyncCluster cluster(GetParam(), kNodes);
  const Orderings orderings = CountReleases(cluster);
  std::vector<Semaphore> semaphores = MakeSemaphores(cluster, 0, 3);
  std::vector<std::atomic<uint64_t>> released(kNodes);
  const uint32_t turns = GetParam().repetitions / 20;
  cluster.OnAll([&](uint32_t id) {
    for (uint32_t turn = 0; turn < turns; ++turn) {
      if (id < 2) {
        ASSERT_EQ(semaphores[id].Release(), absl::OkStatus());
        released[id].store(orderings[id]->own());
        continue;
      }
      const uint64_t before[] = {released[0].load(), released[1].load()};
      ASSERT_EQ(semaphores[id].Acquire(), absl::OkStatus());
      for (const uint32_t producer : {0u, 1u}) {
        ASSERT_GE(orderings[id]->known(producer), before[producer]);
      }
      // A release for each permit that it has taken.
      ASSERT_GE(orderings[id]->known(0) + orderings[id]->known(1), turn + 1);
    }
  });
}

TEST_P(SemaphoreTest, WaitThatEndedAwayFromTheWordsIsSettledLater) {
  for (const bool served : {false, true}) {
    SyncCluster cluster(GetParam(), 3);
    const Orderings orderings = CountReleases(cluster);
    PermitsOfNodes permits = MakePermits(cluster, Permits::Kind::kSemaphore, 1, 2);
    ASSERT_EQ(permits[0]->Acquire(1), absl::OkStatus());
    std::thread waiter(
        [&] { EXPECT_EQ(permits[1]->Acquire(1).code(), absl::StatusCode::kDeadlineExceeded); });
    AwaitInLine(cluster, 1, 0);
    orderings[1]->set_acquire_status(absl::DeadlineExceededError("not now"));
    waiter.join();
    orderings[1]->set_acquire_status(absl::OkStatus());
    if (served) {
      ASSERT_EQ(permits[0]->Release(1), absl::OkStatus());  // to a node that does not know
      EXPECT_FALSE(*permits[2]->TryAcquire(1));
      ASSERT_EQ(permits[1]->Acquire(1), absl::OkStatus());
      ASSERT_EQ(permits[1]->Release(1), absl::OkStatus());
    } else {
      std::thread again([&] { EXPECT_EQ(permits[1]->Acquire(1), absl::OkStatus()); });
      ASSERT_EQ(permits[0]->Release(1), absl::OkStatus());
      again.join();
      ASSERT_EQ(permits[1]->Release(1), absl::OkStatus());
    }
    EXPECT_TRUE(*permits[2]->TryAcquire(1));
    EXPECT_FALSE(*permits[2]->TryAcquire(1));
  }
}

TEST_P(SemaphoreTest, WhatAnAcquireCouldNotReleaseIsToldByTheNextRelease) {
  SyncCluster cluster(GetParam(), 2);
  const Orderings orderings = CountReleases(cluster);
  std::vector<Semaphore> semaphores = MakeSemaphores(cluster, 1);
  orderings[1]->set_release_status(absl::UnavailableError("a home is gone"));
  ASSERT_EQ(semaphores[1].Acquire(), absl::OkStatus());
  orderings[1]->set_release_status(absl::OkStatus());
  EXPECT_EQ(semaphores[1].Release().message(), "a home is gone");
  EXPECT_EQ(semaphores[1].Acquire(), absl::OkStatus());
  EXPECT_EQ(semaphores[1].Release(), absl::OkStatus());
}

TEST_P(SemaphoreTest, TimeoutGivesThePlaceUp) {
  SyncCluster cluster(GetParam(), 3, 150);
  std::vector<Semaphore> semaphores = MakeSemaphores(cluster, 0, 2);
  const absl::Status status = semaphores[1].Acquire();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  ASSERT_EQ(semaphores[0].Release(), absl::OkStatus());
  EXPECT_TRUE(*semaphores[2].TryAcquire());
}

TEST_P(SemaphoreTest, DeadNodeEndsWaitsButPermitsCanBeTaken) {
  SyncCluster cluster(GetParam(), 4);
  PermitsOfNodes permits = MakePermits(cluster, Permits::Kind::kSemaphore, 0, 3);
  std::thread waiter([&] {
    const absl::Status status = permits[1]->Acquire(1);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 0)) << status;
  });
  AwaitInLine(cluster, 1, 0);
  cluster.MarkFailed(0);
  waiter.join();
  ASSERT_EQ(permits[2]->Release(2), absl::OkStatus());
  EXPECT_EQ(permits[1]->Acquire(1), absl::OkStatus());
  EXPECT_EQ(permits[3]->Acquire(1), absl::OkStatus());
  const absl::Status later = permits[3]->Acquire(1);
  EXPECT_EQ(later.code(), absl::StatusCode::kUnavailable) << later;
  EXPECT_TRUE(Names(later, 0)) << later;
}

TEST_P(SemaphoreTest, NumbersAreCheckedAndCompared) {
  SyncCluster cluster(GetParam(), 2);
  const auto expect_bad = [&](uint64_t here, uint64_t there) {
    cluster.OnAll([&](uint32_t id) {
      const auto made = MakeOne(cluster.node(id).cluster(), Permits::Kind::kSemaphore, "s",
                                id == 0 ? here : there);
      EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument) << made.status();
    });
  };
  expect_bad(1, 2);
  expect_bad(Permits::kMost + 1, Permits::kMost + 1);
  std::vector<Semaphore> semaphores = MakeSemaphores(cluster, 1);
  EXPECT_EQ(semaphores[1].Release(Permits::kMost).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(semaphores[1].Release(Permits::kMost - 1), absl::OkStatus());
  EXPECT_EQ(semaphores[0].Release().code(), absl::StatusCode::kInvalidArgument);
}

FARPAGE_INSTANTIATE_SYNC_TEST(SemaphoreTest);

}  // namespace
}  // namespace farpage::internal
