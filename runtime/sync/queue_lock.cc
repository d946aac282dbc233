#include "runtime/sync/queue_lock.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;

namespace {

// How often a waiter looks whether the lock has been broken by others.
constexpr int64_t kLookNs = 100'000'000;

// How long a node that failed may be last in the queue before it is held against it that the node
// before it has not heard of anyone: another one, alive, may be between them.
constexpr int64_t kLinkPatienceNs = 1'000'000'000;

// How long another node's memory may take to be read for an error message.
constexpr int64_t kDiagnosisNs = 1'000'000'000;

constexpr uint64_t kFree = 0;

}  // namespace

QueueLock::QueueLock(Cluster& cluster, std::shared_ptr<const SymmetricMemory> memory, uint32_t slot,
                     NodeId home, std::string name)
    : cluster_(cluster),
      memory_(std::move(memory)),
      offset_(slot * PlaceBytes(cluster.size())),
      home_(home),
      name_(std::move(name)),
      ticket_(TicketOf(cluster.self())),
      words_(*reinterpret_cast<LockWords*>(memory_->own->data() + offset_)),
      completes_inline_(cluster.transport().capabilities().completes_inline),
      threads_(cluster.fabric()) {}

absl::Status QueueLock::Lock() {
  absl::Status locked = LockOnly();
  return locked.ok() ? AcquireMemory() : locked;
}

absl::Status QueueLock::AcquireMemory() {
  Ordering* ordering = cluster_.ordering();
  if (ordering == nullptr) return absl::OkStatus();
  const VectorClock came = Clock(handed_over_ ? kHandedOver : kRead);
  absl::Status acquired = ordering->Acquire(came);
  if (acquired.ok()) return acquired;
  // The lock goes on with the clock that it came with.
  const VectorClock written = Clock(kWritten);
  for (size_t node = 0; node < came.size(); ++node) {
    written[node].store(came[node].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  static_cast<void>(UnlockOnly());
  return acquired;
}

absl::Status QueueLock::LockOnly() {
  int64_t deadline = 0;
  if (!threads_.TryAcquire()) {
    deadline = cluster_.DeadlineNs();
    if (!threads_.AcquireBy(deadline)) return NoTurn();
  }
  absl::Status entered = Enter(deadline);
  if (!entered.ok()) {
    threads_.Release();
    return entered;
  }
  held_.store(true, std::memory_order_relaxed);
  cluster_.counters().Add(Counter::locks);
  return absl::OkStatus();
}

absl::StatusOr<bool> QueueLock::TryLock() {
  if (!threads_.TryAcquire()) return false;
  absl::Status error = broken_;
  bool taken = false;
  if (error.ok() && before_.valid()) {
    taken = words_.granted.load(std::memory_order_acquire) != 0;
    if (taken) {
      before_ = NodeId::None();
      handed_over_ = true;
    }
  } else if (error.ok()) {
    words_.next.store(0, std::memory_order_relaxed);
    absl::StatusOr<uint64_t> found = SwapTail(kFree, ticket_, WithClock::kRead);
    if (!found.ok()) {
      error = found.status();
    } else if (BreakMark::Is(*found)) {
      error = Broken(BreakMark::Decode(*found));
    } else {
      taken = *found == kFree;
      handed_over_ = false;
    }
  }
  if (!taken) {
    threads_.Release();
    if (!error.ok()) return error;
    return false;
  }
  words_.waits_for.store(kHolds, std::memory_order_relaxed);
  held_.store(true, std::memory_order_relaxed);
  cluster_.counters().Add(Counter::locks);
  if (absl::Status acquired = AcquireMemory(); !acquired.ok()) return acquired;
  return true;
}

absl::Status QueueLock::Enter(int64_t deadline_ns) {
  if (!broken_.ok()) return broken_;
  const bool has_place = before_.valid();
  if (!has_place) {
    absl::Status queued = Queue(deadline_ns);
    if (!queued.ok()) return queued;
  }
  if (before_.valid()) {
    absl::Status granted = WaitForGrant(deadline_ns != 0 ? deadline_ns : cluster_.DeadlineNs());
    if (!granted.ok()) return granted;
    cluster_.counters().Add(Counter::contended_locks);
  }
  return absl::OkStatus();
}

absl::Status QueueLock::Queue(int64_t deadline_ns) {
  words_.next.store(0, std::memory_order_relaxed);
  words_.granted.store(0, std::memory_order_relaxed);
  uint64_t expected = kFree;
  for (;;) {
    // Before the tail changes, for from then on others may look.
    words_.waits_for.store(expected == kFree ? kHolds : expected, std::memory_order_relaxed);
    absl::StatusOr<uint64_t> found =
        SwapTail(expected, ticket_, expected == kFree ? WithClock::kRead : WithClock::kNo);
    if (!found.ok()) return found.status();
    if (*found == expected) break;
    if (BreakMark::Is(*found)) return Broken(BreakMark::Decode(*found));
    expected = *found;
    if (deadline_ns == 0) deadline_ns = cluster_.DeadlineNs();
    if (cluster_.fabric().NowNs() >= deadline_ns) {
      words_.waits_for.store(0, std::memory_order_relaxed);
      return NoTurn();
    }
  }
  handed_over_ = expected != kFree;
  if (expected == kFree) return absl::OkStatus();

  before_ = NodeOfTicket(expected);
  const Operation link =
      Operation::WriteWordWithImmediate(ticket_, WordOf(before_, offsetof(LockWords, next)));
  const Fate posted = cluster_.fabric().Post(before_, std::span(&link, 1), nullptr);
  if (posted == Fate::kOk || posted == Fate::kPending) return absl::OkStatus();
  return Break({BreakMark::Reason::kDied, before_});
}

absl::Status QueueLock::WaitForGrant(int64_t deadline_ns) {
  Fabric& fabric = cluster_.fabric();
  for (;;) {
    const int64_t look = std::min(deadline_ns, fabric.NowNs() + kLookNs);
    const Fate fate = fabric.WaitWord(&words_.granted, 0, before_, look);
    if (words_.granted.load(std::memory_order_acquire) != 0) {
      before_ = NodeId::None();
      words_.waits_for.store(kHolds, std::memory_order_relaxed);
      return absl::OkStatus();
    }
    if (fate == Fate::kPeerFailed) return Break({BreakMark::Reason::kDied, before_});
    absl::StatusOr<uint64_t> tail = ReadTail();
    if (!tail.ok()) return tail.status();
    if (BreakMark::Is(*tail)) return Broken(BreakMark::Decode(*tail));
    if (fabric.NowNs() >= deadline_ns) return TimedOut();
  }
}

absl::Status QueueLock::Unlock() {
  Ordering* ordering = cluster_.ordering();
  if (ordering == nullptr || !held_.load(std::memory_order_relaxed)) return UnlockOnly();
  // What could not be released is told, but the lock goes on.
  absl::Status released = ordering->Release(Clock(kWritten));
  absl::Status unlocked = UnlockOnly();
  return unlocked.ok() ? released : unlocked;
}

absl::Status QueueLock::UnlockOnly() {
  if (!held_.exchange(false, std::memory_order_relaxed)) {
    return absl::FailedPreconditionError(absl::StrCat("mutex '", name_, "': unlocked on node ",
                                                      cluster_.self().value(),
                                                      ", which does not hold it"));
  }
  absl::Status left = Leave();
  threads_.Release();
  return left;
}

absl::Status QueueLock::Leave() {
  uint64_t next = words_.next.load(std::memory_order_acquire);
  if (next == 0) {
    absl::StatusOr<uint64_t> found = SwapTail(ticket_, kFree, WithClock::kWrite);
    if (!found.ok()) return found.status();
    if (*found == ticket_) return absl::OkStatus();
    if (BreakMark::Is(*found)) return Broken(BreakMark::Decode(*found));
    absl::Status linked = WaitForSuccessor();
    if (!linked.ok()) return linked;
    next = words_.next.load(std::memory_order_acquire);
  }
  return HandOver(NodeOfTicket(next));
}

absl::Status QueueLock::HandOver(NodeId successor) {
  words_.waits_for.store(0, std::memory_order_relaxed);
  std::array<Operation, 2> chain;
  size_t length = 0;
  if (cluster_.ordering() != nullptr) chain[length++] = WriteClock(successor, kHandedOver);
  chain[length++] =
      Operation::WriteWordWithImmediate(1, WordOf(successor, offsetof(LockWords, granted)));
  const Fate posted = cluster_.fabric().Post(successor, {chain.data(), length}, nullptr);
  if (posted == Fate::kOk || posted == Fate::kPending) return absl::OkStatus();
  // Dead while it waited. If it was the last, the queue is empty without it.
  absl::StatusOr<uint64_t> found = SwapTail(TicketOf(successor), kFree, WithClock::kWrite);
  if (!found.ok()) return found.status();
  if (*found == TicketOf(successor)) return absl::OkStatus();
  return Break({BreakMark::Reason::kDied, successor});
}

absl::Status QueueLock::WaitForSuccessor() {
  // Between its compare-and-swap and its write to us: microseconds, unless something happened to
  // it.
  Fabric& fabric = cluster_.fabric();
  const int64_t begin = fabric.NowNs();
  const int64_t deadline = cluster_.DeadlineNs();
  for (;;) {
    // No node is watched but this one: who comes is not known.
    fabric.WaitWord(&words_.next, 0, cluster_.self(), std::min(deadline, fabric.NowNs() + kLookNs));
    if (words_.next.load(std::memory_order_acquire) != 0) return absl::OkStatus();
    absl::StatusOr<uint64_t> tail = ReadTail();
    if (!tail.ok()) return tail.status();
    if (BreakMark::Is(*tail)) return Broken(BreakMark::Decode(*tail));
    const NodeId last = NodeOfTicket(*tail);
    const int64_t now = fabric.NowNs();
    if (now >= begin + kLinkPatienceNs && fabric.transport().peer_failed(last)) {
      return Break({BreakMark::Reason::kDied, last});
    }
    if (now >= deadline) return Break({BreakMark::Reason::kSilent, last});
  }
}

absl::StatusOr<uint64_t> QueueLock::SwapTail(uint64_t expected, uint64_t desired,
                                             WithClock with_clock) {
  cluster_.counters().Add(Counter::fabric_atomics);
  if (cluster_.ordering() == nullptr) with_clock = WithClock::kNo;
  std::array<Operation, 3> chain;
  size_t length = 0;
  // If the lock turns out not to be ours, what was read or written is of no use, and no harm.
  if (with_clock == WithClock::kWrite) chain[length++] = WriteClock(home_, kAtHome);
  chain[length++] = Operation::CompareAndSwap(
      WordOf(home_, offsetof(LockWords, tail)), expected, desired,
      reinterpret_cast<uint64_t*>(words_.result.data()), memory_->own->local_key());
  if (with_clock == WithClock::kRead) chain[length++] = ReadClock(home_, kAtHome);
  const Fate fate = Run(home_, {chain.data(), length});
  if (fate != Fate::kOk) return HomeFailed(fate);
  return words_.result[0].load(std::memory_order_relaxed);
}

Operation QueueLock::ReadClock(NodeId node, ClockPlace place) const {
  return Operation::Read(Clock(kRead).data(), memory_->own->local_key(),
                         WordOf(node, ClockOffset(place)),
                         cluster_.size() * static_cast<uint32_t>(sizeof(ClockWord)));
}

Operation QueueLock::WriteClock(NodeId node, ClockPlace place) const {
  return Operation::Write(Clock(kWritten).data(), memory_->own->local_key(),
                          WordOf(node, ClockOffset(place)),
                          cluster_.size() * static_cast<uint32_t>(sizeof(ClockWord)));
}

absl::StatusOr<uint64_t> QueueLock::ReadTail() {
  const Operation read = Operation::Read(&words_.result, memory_->own->local_key(),
                                         WordOf(home_, offsetof(LockWords, tail)), 8);
  const Fate fate = Run(home_, {&read, 1});
  if (fate != Fate::kOk) return HomeFailed(fate);
  return words_.result[0].load(std::memory_order_relaxed);
}

Fate QueueLock::Run(NodeId node, std::span<const Operation> operations) {
  const int64_t deadline = completes_inline_ ? 0 : cluster_.DeadlineNs();
  return cluster_.fabric().Run(node, operations, deadline);
}

absl::Status QueueLock::Break(BreakMark mark) {
  uint64_t expected = kFree;
  for (;;) {
    absl::StatusOr<uint64_t> found = SwapTail(expected, mark.Encode());
    if (!found.ok() || *found == expected || BreakMark::Is(*found)) break;
    expected = *found;
  }
  return Broken(mark);
}

absl::Status QueueLock::Broken(BreakMark mark) {
  const uint32_t culprit = mark.culprit.value();
  if (mark.reason == BreakMark::Reason::kDied) {
    const std::string why = cluster_.transport().failure_reason(mark.culprit);
    broken_ = absl::UnavailableError(absl::StrCat(
        "mutex '", name_, "': node ", culprit, " died while it held it or waited for it",
        why.empty() ? "" : ": ", why, "; nobody can lock it any more"));
  } else {
    broken_ = absl::DeadlineExceededError(absl::StrCat(
        "mutex '", name_, "': node ", culprit, " queued for it and then was silent for ",
        cluster_.options().cluster.timeout_ms,
        " ms (FARPAGE_TIMEOUT_MS); nobody can lock it any more"));
  }
  return broken_;
}

absl::Status QueueLock::HomeFailed(Fate fate) {
  broken_ = cluster_.FateError(
      fate, absl::StrCat("mutex '", name_, "' (its home is node ", home_.value(), ")"), home_);
  return broken_;
}

absl::Status QueueLock::TimedOut() {
  const NodeId holder = FindHolder();
  return absl::DeadlineExceededError(absl::StrCat(
      "mutex '", name_, "': node ", holder.value(), " did not release it within ",
      cluster_.options().cluster.timeout_ms, " ms (FARPAGE_TIMEOUT_MS); node ",
      cluster_.self().value(), " keeps its place in the queue and waits on when it locks again"));
}

absl::Status QueueLock::NoTurn() const {
  return absl::DeadlineExceededError(
      absl::StrCat("mutex '", name_, "': other threads of node ", cluster_.self().value(),
                   " held it or waited for it for ", cluster_.options().cluster.timeout_ms,
                   " ms (FARPAGE_TIMEOUT_MS)"));
}

NodeId QueueLock::FindHolder() {
  NodeId node = before_;
  for (uint32_t step = 0; step < cluster_.size(); ++step) {
    const Operation read = Operation::Read(&words_.result, memory_->own->local_key(),
                                           WordOf(node, offsetof(LockWords, granted)), 16);
    Fabric& fabric = cluster_.fabric();
    const Fate fate = fabric.Run(node, std::span(&read, 1), fabric.NowNs() + kDiagnosisNs);
    const uint64_t granted = words_.result[0].load(std::memory_order_relaxed);
    const uint64_t waits_for = words_.result[1].load(std::memory_order_relaxed);
    // A node that was handed the lock has it, even if its threads gave up waiting.
    if (fate != Fate::kOk || granted != 0 || waits_for == kHolds || waits_for == 0) break;
    node = NodeOfTicket(waits_for);
  }
  return node;
}

}  // namespace farpage::internal
