// Nodes are processes here, and one of them is killed while the others wait for it.
#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/sync/atomic_words.h"
#include "runtime/sync/barrier.h"
#include "runtime/sync/permits.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/signal_flag.h"
#include "tests/sync/permits_cluster.h"
#include "tests/sync/sync_cluster.h"
#include "tests/transport/fork_cluster.h"

namespace farpage::internal {
namespace {

using transport::ForkCluster;
using transport::Rendezvous;
using transport::SharedPage;

constexpr uint32_t kNodes = 4;
constexpr uint32_t kVictim = 2;

class KilledNodeTest : public SyncTest {
 protected:
  // What a process does first. Ends it if that fails.
  std::unique_ptr<SyncNode> Join(Rendezvous& rendezvous) {
    auto transport = GetParam().create(rendezvous, absl::Now() + absl::Minutes(1));
    if (!transport.ok()) {
      ADD_FAILURE() << transport.status();
      _exit(1);
    }
    Options options;
    options.cluster.timeout_ms = 60'000;
    return std::make_unique<SyncNode>(*std::move(transport), rendezvous, options);
  }

  // Kills the victim once words[0] says that so many are ready (and have had some time more), and
  // expects success of all others.
  static void KillWhenReady(ForkCluster& cluster, uint64_t ready) {
    Await("the nodes", [&] { return cluster.page().words[0].load() == ready; });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cluster.Kill(NodeId(kVictim));
    for (uint32_t id = 0; id < kNodes; ++id) {
      if (id != kVictim) cluster.ExpectSuccess(NodeId(id));
    }
  }

  [[noreturn]] static void WaitToBeKilled() {
    for (;;) pause();
  }

  static void ExpectVictimNamed(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, kVictim)) << status;
  }

  // No node leaves before all have seen what they came for: to leave looks like dying.
  static void LeaveTogether(SharedPage& page) {
    page.words[1].fetch_add(1);
    Await("the others", [&] { return page.words[1].load() == kNodes - 1; });
  }
};

TEST_P(KilledNodeTest, BeforeItCameToTheBarrier) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::unique_ptr<Barrier> barrier = *Barrier::Create(node->cluster());
    EXPECT_EQ(barrier->Wait(), absl::OkStatus());
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) WaitToBeKilled();
    ExpectVictimNamed(barrier->Wait());
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

TEST_P(KilledNodeTest, WithTheLockInItsHands) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<QueueLock> lock = *MakeQueueLock(node->cluster(), "m");
    ASSERT_NE(lock->home(), NodeId(kVictim));
    if (rendezvous.self() == NodeId(kVictim)) {
      EXPECT_EQ(lock->Lock(), absl::OkStatus());
      page.words[0].fetch_add(1);
      WaitToBeKilled();
    }
    Await("the victim's lock", [&] { return page.words[0].load() > 0; });
    page.words[0].fetch_add(1);
    ExpectVictimNamed(lock->Lock());
    ExpectVictimNamed(lock->Lock());
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

// Whether the lock goes on depends on who was in the queue. Nobody waits for ever, and an error
// names the dead node.
TEST_P(KilledNodeTest, WaitingForTheLock) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<QueueLock> lock = *MakeQueueLock(node->cluster(), "m");
    ASSERT_NE(lock->home(), NodeId(kVictim));
    const bool holds = rendezvous.self() == NodeId(0);
    if (holds) {
      EXPECT_EQ(lock->Lock(), absl::OkStatus());
    } else {
      Await("node 0's lock", [&] { return page.words[0].load() > 0; });
    }
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) {
      static_cast<void>(lock->Lock());
      ADD_FAILURE() << "the victim lived";
    }
    Await("the victim's end", [&] {
      node->cluster().fabric().Progress();
      return node->transport().peer_failed(NodeId(kVictim));
    });
    absl::Status status = holds ? lock->Unlock() : lock->Lock();
    if (!holds && status.ok()) status = lock->Unlock();
    if (!status.ok()) ExpectVictimNamed(status);
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

// The victim reads. Writers are told; others read on.
TEST_P(KilledNodeTest, WithAShareInItsHands) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<Permits> mutex =
        *MakeOne(node->cluster(), Permits::Kind::kSharedMutex, "c", Permits::kAll);
    ASSERT_NE(mutex->home(), NodeId(kVictim));
    if (rendezvous.self() == NodeId(kVictim)) {
      EXPECT_EQ(mutex->Acquire(1), absl::OkStatus());
      page.words[0].fetch_add(1);
      WaitToBeKilled();
    }
    Await("the victim's share", [&] { return page.words[0].load() > 0; });
    page.words[0].fetch_add(1);
    ExpectVictimNamed(mutex->Acquire(Permits::kAll));
    page.words[2].fetch_add(1);
    Await("the last writer", [&] { return page.words[2].load() == kNodes - 1; });
    EXPECT_EQ(mutex->Acquire(1), absl::OkStatus());
    page.words[3].fetch_add(1);
    Await("the last reader", [&] { return page.words[3].load() == kNodes - 1; });
    ExpectVictimNamed(mutex->Acquire(Permits::kAll));
    EXPECT_EQ(mutex->Release(1), absl::OkStatus());
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

// The victim is a writer in line, with readers before and behind it. It may have been looking at
// the words when it was killed: then it is named.
TEST_P(KilledNodeTest, WaitingForTheSharedMutex) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<Permits> mutex =
        *MakeOne(node->cluster(), Permits::Kind::kSharedMutex, "c", Permits::kAll);
    ASSERT_NE(mutex->home(), NodeId(kVictim));
    const bool holds = rendezvous.self() == NodeId(0);
    if (holds) {
      EXPECT_EQ(mutex->Acquire(1), absl::OkStatus());
    } else {
      Await("node 0's share", [&] { return page.words[0].load() > 0; });
    }
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) {
      static_cast<void>(mutex->Acquire(Permits::kAll));
      ADD_FAILURE() << "the victim lived";
    }
    if (!holds) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    absl::Status status = holds ? absl::OkStatus() : mutex->Acquire(1);
    page.words[2].fetch_add(1);
    Await("all readers", [&] { return page.words[2].load() == kNodes - 1; });
    if (status.ok()) status = mutex->Release(1);
    if (!status.ok()) ExpectVictimNamed(status);
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

TEST_P(KilledNodeTest, BeforeItReleasedTheSemaphore) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<Permits> semaphore =
        *MakeOne(node->cluster(), Permits::Kind::kSemaphore, "m", 0);
    ASSERT_NE(semaphore->home(), NodeId(kVictim));
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) WaitToBeKilled();
    ExpectVictimNamed(semaphore->Acquire(1));
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

TEST_P(KilledNodeTest, BeforeItSetTheFlagOrWaitedForIt) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    std::shared_ptr<SignalFlag> mine = *SignalFlag::Create(node->cluster(), "f", 0);
    std::shared_ptr<SignalFlag> victims = *SignalFlag::Create(node->cluster(), "v", kVictim);
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) WaitToBeKilled();
    if (rendezvous.self() == NodeId(0)) ExpectVictimNamed(mine->WaitUntil(1).status());
    absl::Status set;
    Await("an error", [&] {
      node->cluster().fabric().Progress();
      set = victims->Set(1);
      return !set.ok();
    });
    ExpectVictimNamed(set);
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

TEST_P(KilledNodeTest, HomeOfAtomicWords) {
  ForkCluster cluster(kNodes, [this](Rendezvous& rendezvous, SharedPage& page) {
    std::unique_ptr<SyncNode> node = Join(rendezvous);
    auto words = *AtomicWordsImpl::Create(node->cluster(), "w", kNodes);
    words->FetchAdd(kVictim, 1);
    page.words[0].fetch_add(1);
    if (rendezvous.self() == NodeId(kVictim)) WaitToBeKilled();
    try {
      Await("an error", [&] {
        node->cluster().fabric().Progress();
        words->FetchAdd(kVictim, 1);
        return false;
      });
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::host_unreachable) << error.what();
    }
    LeaveTogether(page);
  });
  KillWhenReady(cluster, kNodes);
}

FARPAGE_INSTANTIATE_SYNC_TEST(KilledNodeTest);

}  // namespace
}  // namespace farpage::internal
