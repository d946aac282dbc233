#include "runtime/sync/barrier.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/spin_lock.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;

namespace {

// Signals of nodes that arrive together come within a few hundred nanoseconds: so long it is
// cheaper not to tell the transport that this thread polls.
constexpr int kShortSpin = 64;

// How long a node's failure is ignored, for it may have passed this barrier before it left.
constexpr int64_t kGraceNs = 200'000'000;

// How long another node's memory may take to be read for an error message.
constexpr int64_t kDiagnosisNs = 1'000'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<Barrier>> Barrier::Create(Cluster& cluster) {
  const auto rounds = static_cast<uint32_t>(std::bit_width(cluster.size() - 1));
  SymmetricMemory memory;
  if (rounds > 0) {
    absl::StatusOr<SymmetricMemory> allocated = cluster.AllocateSymmetric(
        "barrier", (kSignals + rounds) * sizeof(Line) + 2 * cluster.size() * sizeof(ClockWord));
    if (!allocated.ok()) return allocated.status();
    memory = *std::move(allocated);
  }
  return std::unique_ptr<Barrier>(new Barrier(cluster, std::move(memory), rounds));
}

Barrier::Barrier(Cluster& cluster, SymmetricMemory memory, uint32_t rounds)
    : cluster_(cluster), memory_(std::move(memory)), clock_(cluster.size()) {
  const uint32_t size = cluster.size();
  const uint32_t self = cluster.self().value();
  for (uint32_t index = 0; index < rounds; ++index) {
    const uint32_t distance = 1u << index;
    const uint32_t to = (self + distance) % size;
    const uint32_t from = (self + size - distance) % size;
    rounds_.push_back({NodeId(to), NodeId(from),
                       memory_.remote[to] + (kSignals + index) * sizeof(Line),
                       &line(kSignals + index)->word});
  }
}

absl::Status Barrier::Wait() {
  if (!broken_.ok()) return broken_;
  ++epoch_;
  Ordering* ordering = rounds_.empty() ? nullptr : cluster_.ordering();
  if (ordering == nullptr) return Meet();
  // What could not be released is told only after the others have been let go on.
  absl::Status released = ordering->Release(clock_);
  const uint32_t self = cluster_.self().value();
  Lengths()[self].store(clock_[self].load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (absl::Status met = Meet(); !met.ok()) return met;
  absl::Status acquired = ordering->Acquire(Lengths());
  return released.ok() ? acquired : released;
}

absl::Status Barrier::Meet() {
  if (!rounds_.empty()) line(kEntered)->word.store(epoch_, std::memory_order_relaxed);
  uint32_t heard_of = 1;  // nodes, this one included
  for (const Round& round : rounds_) {
    const Fate posted = Signal(round, heard_of);
    heard_of *= 2;
    if (posted != Fate::kOk && posted != Fate::kPending) return Break(posted, round, round.to);

    // The word may be an epoch ahead: its writer may have passed this barrier and come again.
    bool arrived = round.here->load(std::memory_order_acquire) >= epoch_;
    for (int turn = 0; !arrived && turn < kShortSpin; ++turn) {
      SpinPause();
      arrived = round.here->load(std::memory_order_acquire) >= epoch_;
    }
    if (arrived) continue;
    absl::Status status = WaitSlow(round);
    if (!status.ok()) return status;
  }
  cluster_.counters().Add(Counter::barriers);
  return absl::OkStatus();
}

// Signals, after the lengths of the logs of this node and those before it.
Fate Barrier::Signal(const Round& round, uint32_t heard_of) {
  std::array<Operation, 3> chain;
  size_t length = 0;
  if (cluster_.ordering() != nullptr) {
    const uint32_t self = cluster_.self().value();
    const auto write = [&](uint32_t first, uint32_t count) {
      const size_t offset = LengthsOffset() + first * sizeof(ClockWord);
      chain[length++] = Operation::Write(memory_.own->data() + offset, memory_.own->local_key(),
                                         memory_.remote[round.to.value()] + offset,
                                         count * static_cast<uint32_t>(sizeof(ClockWord)));
    };
    write(heard_of <= self + 1 ? self + 1 - heard_of : 0, std::min(heard_of, self + 1));
    if (heard_of > self + 1) {
      const uint32_t wrapped = heard_of - (self + 1);
      write(cluster_.size() - wrapped, wrapped);
    }
  }
  chain[length++] = Operation::WriteWordWithImmediate(epoch_, round.there);
  return cluster_.fabric().Post(round.to, {chain.data(), length}, nullptr);
}

absl::Status Barrier::WaitSlow(const Round& round) {
  Fabric& fabric = cluster_.fabric();
  const uint64_t before = epoch_ - 1;
  const int64_t deadline = cluster_.DeadlineNs();
  Fate fate = fabric.WaitWord(round.here, before, NodeId::None(), deadline);
  if (fate == Fate::kPeerFailed && !fabric.transport().peer_failed(round.from)) {
    // A node needs every other's signal to pass, but once it has passed, nobody needs that node.
    fate = fabric.WaitWord(round.here, before, round.from,
                           std::min(deadline, fabric.NowNs() + kGraceNs));
  }
  // A signal may have come just before its sender was found to have failed.
  if (round.here->load(std::memory_order_acquire) >= epoch_) return absl::OkStatus();
  return Break(fate, round, round.from);
}

absl::Status Barrier::Break(Fate fate, const Round& round, NodeId waited_for) {
  const auto index = &round - rounds_.data();
  const std::string doing = absl::StrCat("barrier ", epoch_, ", round ", index);
  absl::Status error;
  if (fate == Fate::kTimedOut && !cluster_.fabric().AnyFailedPeer().valid()) {
    error = absl::DeadlineExceededError(absl::StrCat(
        doing, ": no signal from node ", waited_for.value(), " within ",
        cluster_.options().cluster.timeout_ms, " ms (FARPAGE_TIMEOUT_MS); ", MissingNodes()));
  }
  // Looking for those who are missing may have found out that one failed.
  if (error.ok() || cluster_.fabric().AnyFailedPeer().valid()) {
    error = cluster_.FateError(fate, doing, waited_for);
  }
  broken_ = absl::Status(
      error.code(), absl::StrCat("the barrier is broken since ", std::string(error.message())));
  return error;
}

std::string Barrier::MissingNodes() {
  Fabric& fabric = cluster_.fabric();
  std::string missing;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    if (NodeId(node) == cluster_.self()) continue;
    Line* scratch = line(kScratch);
    const std::array read = {Operation::Read(scratch, memory_.own->local_key(),
                                             memory_.remote[node] + kEntered * sizeof(Line), 8)};
    const Fate fate = fabric.Run(NodeId(node), read, fabric.NowNs() + kDiagnosisNs);
    if (fate == Fate::kOk && scratch->word.load(std::memory_order_relaxed) >= epoch_) continue;
    absl::StrAppend(&missing, missing.empty() ? "" : ", ", node);
    if (fate != Fate::kOk) break;
  }
  if (missing.empty()) return "all nodes have arrived by now";
  return absl::StrCat("nodes that have not arrived: ", missing);
}

}  // namespace farpage::internal
