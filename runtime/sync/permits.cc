#include "runtime/sync/permits.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;

namespace {

// How often who waits looks at the words: for the dead, and for a signal that a late one overtook
// or that died with its sender.
constexpr int64_t kLookNs = 100'000'000;

}  // namespace

absl::StatusOr<std::shared_ptr<Permits>> Permits::Create(Cluster& cluster, QueueLockPool& locks,
                                                         Kind kind, std::string_view name,
                                                         uint64_t permits) {
  const char* const kind_name = kind == Kind::kSharedMutex ? "shared mutex" : "semaphore";
  const std::string what = absl::StrCat(kind_name, " '", std::string(name), "'");
  absl::StatusOr<std::shared_ptr<QueueLock>> lock = locks.Make(absl::StrCat("lock of ", what));
  if (!lock.ok()) return lock.status();
  absl::StatusOr<SymmetricMemory> memory =
      cluster.AllocateSymmetric(what, sizeof(PermitSignal) + 2 * PermitBytes(cluster.size()));
  if (!memory.ok()) return memory.status();
  const std::shared_ptr<Permits> made(
      new Permits(cluster, kind, what, *std::move(lock), *std::move(memory)));
  if (made->home() == cluster.self()) {
    auto* const head =
        reinterpret_cast<PermitHead*>(made->memory_.own->data() + made->home_offset());
    head->free = permits;
  }
  // Nobody looks before all have come here.
  absl::Status agreed = cluster.Agree(kind_name, absl::StrCat(what, " of ", permits));
  if (!agreed.ok()) return agreed;
  if (permits > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": ", permits, " permits; there may be ", kMost));
  }
  return made;
}

Permits::Permits(Cluster& cluster, Kind kind, std::string what, std::shared_ptr<QueueLock> lock,
                 SymmetricMemory memory)
    : cluster_(cluster),
      kind_(kind),
      what_(std::move(what)),
      lock_(std::move(lock)),
      memory_(std::move(memory)),
      place_(cluster.fabric()) {}

absl::Status Permits::Acquire(uint64_t count) {
  const int64_t deadline = cluster_.DeadlineNs();
  if (!place_.TryAcquire() && !place_.AcquireBy(deadline)) {
    return absl::DeadlineExceededError(absl::StrCat(what_, ": other threads of node ",
                                                    cluster_.self().value(), " waited for it for ",
                                                    Timeout()));
  }
  absl::Status acquired = AcquireInPlace(count, deadline);
  place_.Release();
  return acquired;
}

absl::Status Permits::AcquireInPlace(uint64_t count, int64_t deadline_ns) {
  if (absl::Status entered = Enter(); !entered.ok()) return entered;
  Settle();
  Advance();
  if (Take(count)) return Leave();
  if (absl::Status dead = Dead(); !dead.ok()) {
    static_cast<void>(Leave());
    return dead;
  }
  // Before the signal can come.
  const uint64_t signal_seen = signal().load(std::memory_order_acquire);
  waiting_turn_ = ++head().last_turn;
  waiting_count_ = count;
  mine().turn = waiting_turn_;
  mine().wanted = count;
  changed_ = true;
  if (absl::Status left = Leave(); !left.ok()) return left;
  return Wait(signal_seen, deadline_ns);
}

absl::Status Permits::Wait(uint64_t signal_seen, int64_t deadline_ns) {
  Fabric& fabric = cluster_.fabric();
  for (;;) {
    // No node is watched but this one: which of the dead matter, the words say.
    fabric.WaitWord(&signal(), signal_seen, cluster_.self(),
                    std::min(deadline_ns, fabric.NowNs() + kLookNs));
    signal_seen = signal().load(std::memory_order_acquire);
    if (absl::Status entered = Enter(); !entered.ok()) return entered;
    Advance();
    absl::Status end;
    if (StillWaits()) {
      end = fabric.NowNs() >= deadline_ns ? TimedOut() : Dead();
      if (end.ok()) {
        if (absl::Status left = Leave(); !left.ok()) return left;
        continue;
      }
      Settle();
      Advance();
    } else if (mine().turn != waiting_turn_) {
      end = Dropped();
    }
    waiting_turn_ = 0;
    absl::Status left = Leave();
    return end.ok() ? left : end;
  }
}

absl::StatusOr<bool> Permits::TryAcquire(uint64_t count) {
  if (absl::Status entered = Enter(); !entered.ok()) return entered;
  Advance();
  const bool taken = Take(count);
  const absl::Status dead = taken ? absl::OkStatus() : Dead();
  const absl::Status left = Leave();
  if (!left.ok()) return left;
  if (!dead.ok()) return dead;
  return taken;
}

absl::Status Permits::Release(uint64_t count) {
  if (absl::Status entered = Enter(); !entered.ok()) return entered;
  if (absl::Status wrong = CheckRelease(count); !wrong.ok()) {
    static_cast<void>(Leave());
    return wrong;
  }
  Return(count);
  Advance();
  if (absl::Status left = Leave(); !left.ok()) return left;
  Hold lock(lost_lock_);
  return std::exchange(lost_, absl::OkStatus());
}

absl::Status Permits::CheckRelease(uint64_t count) {
  if (kind_ == Kind::kSemaphore) {
    if (count <= kMost && head().free <= kMost - count) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(what_, ": release of ", count, " permits to ",
                                                   head().free, "; there may be ", kMost));
  }
  const bool held = count == kAll ? mine().held == kAll : mine().held != 0 && mine().held != kAll;
  if (held) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      what_, ": unlocked ", count == kAll ? "" : "(shared) ", "on node ", cluster_.self().value(),
      ", which does not hold it", count == kAll ? "" : " so"));
}

absl::Status Permits::Enter() {
  if (absl::Status locked = lock_->Lock(); !locked.ok()) return locked;
  const Fate fate = Run(Operation::Read(copy(), memory_.own->local_key(),
                                        memory_.remote[home().value()] + home_offset(),
                                        static_cast<uint32_t>(bytes())));
  changed_ = false;
  if (fate == Fate::kOk) return absl::OkStatus();
  static_cast<void>(lock_->Unlock());
  return HomeFailed(fate);
}

absl::Status Permits::Leave() {
  // It has to be at the home before the lock goes on, perhaps straight to another node.
  Fate fate = Fate::kOk;
  if (changed_) {
    fate = Run(Operation::Write(copy(), memory_.own->local_key(),
                                memory_.remote[home().value()] + home_offset(),
                                static_cast<uint32_t>(bytes())));
  }
  absl::Status unlocked = lock_->Unlock();
  if (fate != Fate::kOk) return HomeFailed(fate);
  if (!unlocked.ok()) {
    Hold lock(lost_lock_);
    if (lost_.ok()) lost_ = std::move(unlocked);
  }
  return absl::OkStatus();
}

// Who waits goes first.
bool Permits::Take(uint64_t count) {
  if (count > head().free || First() != nullptr) return false;
  head().free -= count;
  if (kind_ == Kind::kSharedMutex) mine().held += count;
  changed_ = true;
  return true;
}

void Permits::Return(uint64_t count) {
  head().free += count;
  if (kind_ == Kind::kSharedMutex) mine().held -= count;
  changed_ = true;
}

PermitPlace* Permits::First() {
  PermitPlace* first = nullptr;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    PermitPlace& one = place(NodeId(node));
    if (one.wanted != 0 && (first == nullptr || one.turn < first->turn)) first = &one;
  }
  return first;
}

void Permits::Advance() {
  for (PermitPlace* first = First(); first != nullptr; first = First()) {
    const NodeId node(static_cast<uint32_t>(first - &place(NodeId(0))));
    if (first->wanted > head().free && !cluster_.transport().peer_failed(node)) return;
    if (!Grant(node)) *first = {0, 0, first->held};
    changed_ = true;
  }
}

// False if the node is dead.
bool Permits::Grant(NodeId node) {
  if (cluster_.transport().peer_failed(node)) return false;
  PermitPlace& served = place(node);
  const Operation tell = Operation::WriteWordWithImmediate(
      served.turn, memory_.remote[node.value()] + offsetof(PermitSignal, turn));
  const Fate posted = cluster_.fabric().Post(node, std::span(&tell, 1), nullptr);
  if (posted != Fate::kOk && posted != Fate::kPending) return false;
  head().free -= served.wanted;
  if (kind_ == Kind::kSharedMutex) served.held += served.wanted;
  served.wanted = 0;
  return true;
}

// A wait of this node may have ended when the words were not to be had: what became of it?
void Permits::Settle() {
  if (waiting_turn_ == 0) return;
  if (StillWaits()) {
    mine().wanted = 0;
    mine().turn = 0;
    changed_ = true;
  } else if (mine().turn == waiting_turn_) {
    Return(waiting_count_);
  }
  waiting_turn_ = 0;
}

// An error if whom this node would wait for may be dead.
absl::Status Permits::Dead() {
  if (kind_ == Kind::kSemaphore) {
    if (!cluster_.fabric().AnyFailedPeer().valid()) return absl::OkStatus();
    return cluster_.FateError(Fate::kPeerFailed, absl::StrCat(what_, ", no permit free"),
                              NodeId::None());
  }
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    if (place(NodeId(node)).held == 0 || !cluster_.transport().peer_failed(NodeId(node))) continue;
    return cluster_.FateError(Fate::kPeerFailed, absl::StrCat(what_, ", held by a dead node"),
                              NodeId(node));
  }
  return absl::OkStatus();
}

absl::Status Permits::TimedOut() {
  if (kind_ == Kind::kSemaphore) {
    return absl::DeadlineExceededError(absl::StrCat(
        what_, ": no permit for node ", cluster_.self().value(), " within ", Timeout()));
  }
  std::string holders;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    if (place(NodeId(node)).held == 0) continue;
    absl::StrAppend(&holders, holders.empty() ? "" : ", ", "node ", node);
  }
  return absl::DeadlineExceededError(
      absl::StrCat(what_, ": not released by ", holders, " within ", Timeout()));
}

absl::Status Permits::Dropped() const {
  return absl::UnavailableError(absl::StrCat(what_, ": node ", cluster_.self().value(),
                                             " waited for it, but was taken for dead by another"));
}

Fate Permits::Run(const Operation& operation) {
  const bool inline_only = cluster_.transport().capabilities().completes_inline;
  return cluster_.fabric().Run(home(), std::span(&operation, 1),
                               inline_only ? 0 : cluster_.DeadlineNs());
}

absl::Status Permits::HomeFailed(Fate fate) const {
  return cluster_.FateError(fate, absl::StrCat(what_, " (its home is node ", home().value(), ")"),
                            home());
}

std::string Permits::Timeout() const {
  return absl::StrCat(cluster_.options().cluster.timeout_ms, " ms (FARPAGE_TIMEOUT_MS)");
}

}  // namespace farpage::internal
