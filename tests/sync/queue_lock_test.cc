// The queue lock: one holder at a time, in turn, and nobody waits for the dead.
#include "runtime/sync/queue_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "farpage/mutex.h"
#include "tests/sync/counted_ordering.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {
namespace {

using QueueLockTest = SyncTest;
using Locks = std::vector<std::shared_ptr<QueueLock>>;

// A lock whose home is `home`, on every node.
Locks MakeLocks(SyncCluster& cluster, uint32_t home = 0) {
  for (int attempt = 0;; ++attempt) {
    const std::string name = absl::StrCat("m", attempt);
    Locks locks = cluster.Make<std::shared_ptr<QueueLock>>(
        [&](Cluster& c) { return MakeQueueLock(c, name); });
    if (locks[0]->home() == NodeId(home)) return locks;
  }
}

// True once a node that found the lock taken is in the queue: it has posted two compare-and-swaps
// more than before. Then a little later it has told the node before it.
void AwaitQueued(SyncCluster& cluster, uint32_t id, uint64_t atomics_before) {
  Await("a node in the queue",
        [&] { return cluster.node(id).count(Counter::fabric_atomics) >= atomics_before + 2; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

void ExpectExclusive(const transport::Backend& backend, uint32_t nodes, uint32_t threads_per_node,
                     uint32_t turns) {
  SyncCluster cluster(backend, nodes);
  Locks locks = MakeLocks(cluster, nodes - 1);
  // Atomic, for the sanitizer cannot see an order that is made through two mappings of one page;
  // not atomic enough to count right without the lock.
  std::atomic<uint64_t> counter = 0;
  std::atomic<bool> inside = false;
  cluster.OnAll([&](uint32_t id) {
    std::vector<std::thread> threads;
    threads.reserve(threads_per_node);
    for (uint32_t thread = 0; thread < threads_per_node; ++thread) {
      threads.emplace_back([&] {
        for (uint32_t turn = 0; turn < turns; ++turn) {
          ASSERT_EQ(locks[id]->Lock(), absl::OkStatus());
          ASSERT_FALSE(inside.exchange(true, std::memory_order_relaxed));
          const uint64_t before = counter.load(std::memory_order_relaxed);
          if (turn % 64 == 0) std::this_thread::yield();
          counter.store(before + 1, std::memory_order_relaxed);
          inside.store(false, std::memory_order_relaxed);
          ASSERT_EQ(locks[id]->Unlock(), absl::OkStatus());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_EQ(counter.load(), uint64_t{nodes} * threads_per_node * turns);
  for (uint32_t id = 0; id < nodes; ++id) {
    EXPECT_EQ(cluster.node(id).count(Counter::locks), uint64_t{threads_per_node} * turns);
  }
}

TEST_P(QueueLockTest, OneHolderAtATime) {
  const uint32_t turns = GetParam().repetitions / 20;
  ExpectExclusive(GetParam(), 1, 4, turns);
  ExpectExclusive(GetParam(), 2, 1, turns);
  ExpectExclusive(GetParam(), 2, 4, turns / 4);
  ExpectExclusive(GetParam(), 3, 2, turns / 4);
  ExpectExclusive(GetParam(), 5, 3, turns / 10);
  ExpectExclusive(GetParam(), 8, 2, turns / 10);
}

TEST_P(QueueLockTest, UncontendedCostsOneAtomicEach) {
  SyncCluster cluster(GetParam(), 2);
  Locks locks = MakeLocks(cluster, 1);
  const uint64_t before = cluster.node(0).count(Counter::fabric_atomics);
  for (int turn = 0; turn < 10; ++turn) {
    ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
    ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());
  }
  EXPECT_EQ(cluster.node(0).count(Counter::fabric_atomics), before + 20);
  EXPECT_EQ(cluster.node(0).count(Counter::locks), 10u);
  EXPECT_EQ(cluster.node(0).count(Counter::contended_locks), 0u);
}

// A node that unlocks and locks again comes after the one that waits; so does its other thread.
TEST_P(QueueLockTest, NodesTakeTurns) {
  SyncCluster cluster(GetParam(), 3);
  Locks locks = MakeLocks(cluster, 2);
  for (int turn = 0; turn < 5; ++turn) {
    std::vector<int> order;  // guarded by the lock; read when all threads have ended
    std::mutex order_mutex;
    const auto lock_and_note = [&](uint32_t id, int mark) {
      ASSERT_EQ(locks[id]->Lock(), absl::OkStatus());
      {
        std::lock_guard guard(order_mutex);
        order.push_back(mark);
      }
      ASSERT_EQ(locks[id]->Unlock(), absl::OkStatus());
    };
    const uint64_t before = cluster.node(1).count(Counter::fabric_atomics);
    const uint64_t contended = cluster.node(1).count(Counter::contended_locks);
    ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
    std::thread same_node([&] { lock_and_note(0, 2); });
    std::thread other_node([&] { lock_and_note(1, 1); });
    AwaitQueued(cluster, 1, before);
    ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());
    lock_and_note(0, 2);
    same_node.join();
    other_node.join();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 2}));
    EXPECT_EQ(cluster.node(1).count(Counter::contended_locks), contended + 1);
  }
}

TEST_P(QueueLockTest, TryLockTakesOnlyAFreeLock) {
  SyncCluster cluster(GetParam(), 3);
  Locks locks = MakeLocks(cluster, 1);
  for (uint32_t id = 0; id < 3; ++id) {
    absl::StatusOr<bool> taken = locks[id]->TryLock();
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_TRUE(*taken);
    for (uint32_t other = 0; other < 3; ++other) {
      absl::StatusOr<bool> again = locks[other]->TryLock();
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_FALSE(*again) << id << " " << other;
    }
    ASSERT_EQ(locks[id]->Unlock(), absl::OkStatus());
  }
}

TEST_P(QueueLockTest, TryLockAmongLocks) {
  SyncCluster cluster(GetParam(), 2);
  Locks locks = MakeLocks(cluster);
  std::atomic<uint64_t> counter = 0;
  const uint32_t turns = GetParam().repetitions / 40;
  cluster.OnAll([&](uint32_t id) {
    for (uint32_t turn = 0; turn < turns; ++turn) {
      if (id == 0) {
        ASSERT_EQ(locks[id]->Lock(), absl::OkStatus());
      } else {
        Await("try_lock", [&] { return *locks[id]->TryLock(); });
      }
      counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      ASSERT_EQ(locks[id]->Unlock(), absl::OkStatus());
    }
  });
  EXPECT_EQ(counter.load(), 2 * turns);
}

TEST_P(QueueLockTest, UnlockByANodeThatDoesNotHoldIt) {
  SyncCluster cluster(GetParam(), 2);
  Locks locks = MakeLocks(cluster);
  EXPECT_EQ(locks[0]->Unlock().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  EXPECT_EQ(locks[1]->Unlock().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(locks[0]->Unlock(), absl::OkStatus());
}

TEST_P(QueueLockTest, TimeoutNamesTheHolderAndKeepsThePlace) {
  SyncCluster cluster(GetParam(), 4, 150);
  Locks locks = MakeLocks(cluster, 3);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  for (const uint32_t id : {1u, 2u}) {
    const absl::Status status = locks[id]->Lock();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_TRUE(Names(status, 0)) << status;
  }
  EXPECT_FALSE(*locks[1]->TryLock());
  ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());

  // It is node 1's now, whether it knows or not.
  const absl::Status behind = locks[2]->Lock();
  EXPECT_EQ(behind.code(), absl::StatusCode::kDeadlineExceeded) << behind;
  EXPECT_TRUE(Names(behind, 1)) << behind;

  ASSERT_EQ(locks[1]->Lock(), absl::OkStatus());
  ASSERT_EQ(locks[1]->Unlock(), absl::OkStatus());
  EXPECT_TRUE(*locks[2]->TryLock());
  ASSERT_EQ(locks[2]->Unlock(), absl::OkStatus());
  for (uint32_t id = 0; id < 4; ++id) {
    ASSERT_EQ(locks[id]->Lock(), absl::OkStatus());
    ASSERT_EQ(locks[id]->Unlock(), absl::OkStatus());
  }
}

TEST_P(QueueLockTest, TimeoutBehindAThreadOfTheSameNode) {
  SyncCluster cluster(GetParam(), 1, 100);
  Locks locks = MakeLocks(cluster);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  const absl::Status status = locks[0]->Lock();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_TRUE(Names(status, 0)) << status;
  ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());
}

TEST_P(QueueLockTest, DeadHolderIsNamedToAllWhoWaitAndWhoComeLater) {
  SyncCluster cluster(GetParam(), 5);
  Locks locks = MakeLocks(cluster, 4);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  std::vector<uint64_t> before;
  before.reserve(5);
  for (uint32_t id = 0; id < 5; ++id) {
    before.push_back(cluster.node(id).count(Counter::fabric_atomics));
  }
  cluster.OnAll([&](uint32_t id) {
    if (id == 4) return;
    if (id == 0) {
      for (const uint32_t waiting : {1u, 2u, 3u}) AwaitQueued(cluster, waiting, before[waiting]);
      locks[0].reset();
      cluster.End(0);
      return;
    }
    const absl::Status status = locks[id]->Lock();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 0)) << status;
  });
  for (const uint32_t id : {1u, 4u}) {
    const absl::Status later = locks[id]->Lock();
    EXPECT_EQ(later.code(), absl::StatusCode::kUnavailable) << later;
    EXPECT_TRUE(Names(later, 0)) << later;
    EXPECT_EQ(locks[id]->TryLock().status().code(), absl::StatusCode::kUnavailable);
    Mutex mutex(locks[id]);
    EXPECT_THROW(mutex.lock(), std::system_error);
    EXPECT_THROW(static_cast<void>(mutex.try_lock()), std::system_error);
  }
}

TEST_P(QueueLockTest, DeadWaiterAtTheEndOfTheQueueIsTakenOut) {
  SyncCluster cluster(GetParam(), 3, 150);
  Locks locks = MakeLocks(cluster, 2);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  EXPECT_EQ(locks[1]->Lock().code(), absl::StatusCode::kDeadlineExceeded);
  cluster.MarkFailed(1);
  EXPECT_EQ(locks[0]->Unlock(), absl::OkStatus());
  for (const uint32_t id : {0u, 2u}) {
    EXPECT_EQ(locks[id]->Lock(), absl::OkStatus());
    EXPECT_EQ(locks[id]->Unlock(), absl::OkStatus());
  }
}

TEST_P(QueueLockTest, DeadWaiterInTheMiddleIsNamed) {
  SyncCluster cluster(GetParam(), 4, 150);
  Locks locks = MakeLocks(cluster, 3);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  for (const uint32_t id : {1u, 2u}) {
    EXPECT_EQ(locks[id]->Lock().code(), absl::StatusCode::kDeadlineExceeded);
  }
  cluster.MarkFailed(1);
  // It can be handed over to nobody.
  const absl::Status unlocked = locks[0]->Unlock();
  EXPECT_EQ(unlocked.code(), absl::StatusCode::kUnavailable) << unlocked;
  for (const uint32_t id : {0u, 2u, 3u}) {
    const absl::Status status = locks[id]->Lock();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 1)) << status;
  }
}

// The holder keeps it to the end, even if the lock breaks under it.
TEST_P(QueueLockTest, HolderIsNotDisturbedByDeadWaiters) {
  SyncCluster cluster(GetParam(), 4, 150);
  Locks locks = MakeLocks(cluster, 3);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  for (const uint32_t id : {1u, 2u}) {
    EXPECT_EQ(locks[id]->Lock().code(), absl::StatusCode::kDeadlineExceeded);
  }
  cluster.MarkFailed(1);
  const absl::Status behind = locks[2]->Lock();
  EXPECT_EQ(behind.code(), absl::StatusCode::kUnavailable) << behind;
  EXPECT_TRUE(Names(behind, 1)) << behind;
  EXPECT_EQ(locks[3]->TryLock().status().code(), absl::StatusCode::kUnavailable);
  Mutex mutex(locks[0]);
  mutex.unlock();
  EXPECT_THROW(mutex.lock(), std::system_error);
}

TEST_P(QueueLockTest, DeadHomeIsNamed) {
  SyncCluster cluster(GetParam(), 3);
  Locks locks = MakeLocks(cluster, 1);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  cluster.MarkFailed(1);
  EXPECT_EQ(locks[0]->Unlock().code(), absl::StatusCode::kUnavailable);
  for (const uint32_t id : {0u, 2u}) {
    const absl::Status status = locks[id]->Lock();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 1)) << status;
  }
}

TEST_P(QueueLockTest, PoolMakesManyLocksAndTellsThemApart) {
  SyncCluster cluster(GetParam(), 2);
  std::vector<std::vector<std::shared_ptr<QueueLock>>> locks(2);
  cluster.OnAll([&](uint32_t id) {
    QueueLockPool pool(cluster.node(id).cluster(), 4);
    for (int index = 0; index < 10; ++index) {
      auto lock = pool.Make(absl::StrCat("lock ", index));
      ASSERT_TRUE(lock.ok()) << lock.status();
      locks[id].push_back(*lock);
    }
  });
  bool homes[2] = {};
  for (size_t held = 0; held < 10; ++held) {
    EXPECT_EQ(locks[0][held]->home(), locks[1][held]->home());
    homes[locks[0][held]->home().value()] = true;
    ASSERT_EQ(locks[0][held]->Lock(), absl::OkStatus());
    for (size_t index = 0; index < 10; ++index) {
      EXPECT_EQ(*locks[1][index]->TryLock(), index != held);
      if (index == held) continue;
      ASSERT_EQ(locks[1][index]->Unlock(), absl::OkStatus());
    }
    ASSERT_EQ(locks[0][held]->Unlock(), absl::OkStatus());
  }
  EXPECT_TRUE(homes[0] && homes[1]) << "all locks have one home";
}

TEST_P(QueueLockTest, NamesAreCompared) {
  SyncCluster cluster(GetParam(), 2);
  cluster.OnAll([&](uint32_t id) {
    auto lock = MakeQueueLock(cluster.node(id).cluster(), id == 0 ? "left" : "right");
    EXPECT_EQ(lock.status().code(), absl::StatusCode::kInvalidArgument) << lock.status();
    EXPECT_NE(lock.status().message().find("left"), absl::string_view::npos);
    EXPECT_NE(lock.status().message().find("right"), absl::string_view::npos);
  });
}

TEST_P(QueueLockTest, MutexIsLockable) {
  SyncCluster cluster(GetParam(), 2);
  Locks first = MakeLocks(cluster, 0);
  Locks second = MakeLocks(cluster, 1);
  std::atomic<uint64_t> counter = 0;
  const uint32_t turns = GetParam().repetitions / 100;
  cluster.OnAll([&](uint32_t id) {
    Mutex a(id == 0 ? first[id] : second[id]);
    Mutex b(id == 0 ? second[id] : first[id]);
    for (uint32_t turn = 0; turn < turns; ++turn) {
      std::scoped_lock both(a, b);
      counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    std::unique_lock lock(a, std::try_to_lock);
    if (lock.owns_lock()) lock.unlock();
  });
  EXPECT_EQ(counter.load(), 2 * turns);
}

TEST(MutexDeathTest, UnlockOfALockThatIsNotHeldEndsTheProcess) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        SyncCluster cluster(SyncBackends()[0], 1);
        Mutex mutex(MakeLocks(cluster)[0]);
        mutex.unlock();
      },
      "mutex 'm0': unlocked on node 0, which does not hold it");
}

FARPAGE_INSTANTIATE_SYNC_TEST(QueueLockTest);

// A node that has the lock but cannot acquire gives it back with the clock that it came with: the
// next one must hear of what was released before.
TEST_P(QueueLockTest, AFailedAcquirePassesTheClockOn) {
  SyncCluster cluster(GetParam(), 3);
  const Orderings orderings = CountReleases(cluster);
  Locks locks = MakeLocks(cluster);
  ASSERT_EQ(locks[1]->Lock(), absl::OkStatus());
  ASSERT_EQ(locks[1]->Unlock(), absl::OkStatus());
  orderings[2]->set_acquire_status(absl::DeadlineExceededError("not now"));
  EXPECT_EQ(locks[2]->Lock().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(locks[2]->TryLock().status().code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_EQ(locks[0]->Lock(), absl::OkStatus());
  EXPECT_EQ(orderings[0]->known(1), 1u);
  EXPECT_EQ(orderings[0]->known(2), 0u);
  ASSERT_EQ(locks[0]->Unlock(), absl::OkStatus());
}

}  // namespace
}  // namespace farpage::internal
