#include "runtime/sync/signal_flag.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/sync/lock_words.h"

namespace farpage::internal {

using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

absl::StatusOr<std::shared_ptr<SignalFlag>> SignalFlag::Create(Cluster& cluster,
                                                               std::string_view name,
                                                               uint32_t waiting_node) {
  const std::string what = absl::StrCat("flag '", std::string(name), "'");
  absl::Status agreed =
      cluster.Agree("flag", absl::StrCat(what, " for which node ", waiting_node, " waits"));
  if (!agreed.ok()) return agreed;
  const uint32_t size = cluster.size();
  if (waiting_node >= size) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": node ", waiting_node, " is to wait; there are ", size, " nodes"));
  }
  size_t bytes = ClockBytes(size);
  if (cluster.self() == NodeId(waiting_node)) bytes += sizeof(Line) + size * PlaceBytes(size);
  absl::StatusOr<SymmetricMemory> memory = cluster.AllocateSymmetric(what, bytes);
  if (!memory.ok()) return memory.status();
  return std::shared_ptr<SignalFlag>(
      new SignalFlag(cluster, what, NodeId(waiting_node), *std::move(memory)));
}

SignalFlag::SignalFlag(Cluster& cluster, std::string what, NodeId waiting_node,
                       SymmetricMemory memory)
    : cluster_(cluster),
      what_(std::move(what)),
      waiting_node_(waiting_node),
      memory_(std::move(memory)),
      setters_(cluster.fabric()) {}

absl::Status SignalFlag::Set(uint64_t value) {
  const int64_t deadline = cluster_.DeadlineNs();
  if (!setters_.TryAcquire() && !setters_.AcquireBy(deadline)) {
    return absl::DeadlineExceededError(absl::StrCat(
        what_, ": other threads of node ", cluster_.self().value(), " were setting it for ",
        cluster_.options().cluster.timeout_ms, " ms (FARPAGE_TIMEOUT_MS)"));
  }
  absl::Status set = SetInTurn(value, deadline);
  setters_.Release();
  return set;
}

absl::Status SignalFlag::SetInTurn(uint64_t value, int64_t deadline_ns) {
  const RemoteAddress there = memory_.remote[waiting_node_.value()];
  const RemoteAddress place = there + place_offset(cluster_.self());
  std::array<Operation, 3> chain;
  size_t length = 0;
  absl::Status released;
  if (Ordering* ordering = cluster_.ordering(); ordering != nullptr) {
    // What could not be released is told, but the flag is set.
    released =
        ordering->Release({reinterpret_cast<ClockWord*>(memory_.own->data()), cluster_.size()});
    chain[length++] =
        Operation::Write(memory_.own->data(), memory_.own->local_key(), place + sizeof(Line),
                         cluster_.size() * static_cast<uint32_t>(sizeof(ClockWord)));
  }
  set_ = std::max(set_, value);
  chain[length++] = Operation::WriteWord(set_, place);
  chain[length++] = Operation::WriteWordWithImmediate(++rings_ << 16 | TicketOf(cluster_.self()),
                                                      there + bell_offset());
  const Fate fate = cluster_.fabric().Run(waiting_node_, {chain.data(), length}, deadline_ns);
  if (fate != Fate::kOk) {
    return cluster_.FateError(
        fate, absl::StrCat(what_, " at node ", waiting_node_.value(), ", set to ", value),
        waiting_node_);
  }
  return released;
}

absl::StatusOr<uint64_t> SignalFlag::WaitUntil(uint64_t value) {
  if (cluster_.self() != waiting_node_) {
    return absl::FailedPreconditionError(absl::StrCat(what_, ": node ", cluster_.self().value(),
                                                      " waits for it, which only node ",
                                                      waiting_node_.value(), " can"));
  }
  const std::atomic<uint64_t>& bell = word(bell_offset());
  int64_t deadline = 0;
  Fate fate = Fate::kOk;
  for (;;) {
    // Before the values are looked at: who sets one after that changes it.
    const uint64_t rung = bell.load(std::memory_order_acquire);
    const uint64_t found = Value();
    if (found >= value) {
      absl::Status acquired = Acquire();
      if (!acquired.ok()) return acquired;
      return found;
    }
    if (fate != Fate::kOk) return NotSet(fate, value, found);
    if (deadline == 0) deadline = cluster_.DeadlineNs();
    fate = cluster_.fabric().WaitWord(&bell, rung, NodeId::None(), deadline);
  }
}

uint64_t SignalFlag::Value() const {
  uint64_t value = 0;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    value = std::max(value, word(place_offset(NodeId(node))).load(std::memory_order_acquire));
  }
  return value;
}

// The clocks are copied, for a set may write them while they are used.
absl::Status SignalFlag::Acquire() {
  Ordering* const ordering = cluster_.ordering();
  if (ordering == nullptr) return absl::OkStatus();
  const uint32_t size = cluster_.size();
  std::array<ClockWord, kMaxNodes> latest{};
  for (uint32_t setter = 0; setter < size; ++setter) {
    const size_t place = place_offset(NodeId(setter));
    if (word(place).load(std::memory_order_acquire) == 0) continue;
    for (uint32_t node = 0; node < size; ++node) {
      const uint64_t known =
          word(place + sizeof(Line) + node * sizeof(ClockWord)).load(std::memory_order_relaxed);
      if (known > latest[node].load(std::memory_order_relaxed)) {
        latest[node].store(known, std::memory_order_relaxed);
      }
    }
  }
  return ordering->Acquire({latest.data(), size});
}

absl::Status SignalFlag::NotSet(Fate fate, uint64_t value, uint64_t found) const {
  const std::string doing = absl::StrCat(what_, ", which is ", found, " and not ", value);
  if (fate == Fate::kTimedOut && !cluster_.fabric().AnyFailedPeer().valid()) {
    return absl::DeadlineExceededError(absl::StrCat(doing, ": nobody has set it within ",
                                                    cluster_.options().cluster.timeout_ms,
                                                    " ms (FARPAGE_TIMEOUT_MS)"));
  }
  return cluster_.FateError(fate, doing, NodeId::None());
}

}  // namespace farpage::internal
