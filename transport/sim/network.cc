#include "transport/sim/network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/sim/queue_pair.h"
#include "transport/sim/sim_transport.h"

namespace farpage::transport::sim {
namespace {

constexpr uint32_t kMostBytes = uint32_t{1} << 30;

bool Between(int64_t when_ns, int64_t begin_ns, int64_t end_ns) {
  return begin_ns <= when_ns && when_ns < end_ns;
}

uint64_t LoadWord(const void* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

void StoreWord(void* to, uint64_t word) {
  if (to != nullptr) std::memcpy(to, &word, sizeof word);
}

}  // namespace

Network::Network(Scheduler& scheduler, uint32_t nodes, NetworkOptions options, uint64_t seed,
                 Trace& trace)
    : scheduler_(scheduler),
      options_(std::move(options)),
      random_(seed),
      trace_(trace),
      ports_(nodes) {
  for (Port& port : ports_) {
    port.failed.resize(nodes);
    port.reasons.resize(nodes);
    port.pairs.resize(nodes);
  }
  scheduler_.set_on_kill([this](uint32_t node) { OnDeath(node); });
}

Network::~Network() { scheduler_.set_on_kill(nullptr); }

std::unique_ptr<Transport> Network::Connect(NodeId node) {
  return std::make_unique<SimTransport>(*this, node);
}

QueuePair& Network::pair(NodeId from, NodeId to) {
  std::unique_ptr<QueuePair>& pair = port(from).pairs[to.value()];
  if (pair == nullptr) pair = std::make_unique<QueuePair>(*this, from, to);
  return *pair;
}

void Network::Record(TraceKind kind, NodeId node, NodeId other, uint64_t subject, uint64_t detail) {
  trace_.Add({scheduler_.now_ns(), kind, node.value(), other.value(), subject, detail});
}

void Network::Notify(NodeId node) {
  if (port(node).pollers > 0) return;  // whoever polls last looks once more
  port(node).armed = false;
  scheduler_.WakeAll(&port(node), options_.latency.wake_ns + Lateness());
}

void Network::Tear(const Operation& op, Pieces& pieces) {
  constexpr uint32_t kWord = 8;
  pieces.clear();
  const bool moves_bytes = op.code == OpCode::kRead || op.code == OpCode::kWrite;
  if (!options_.faults.torn_transfers || !moves_bytes || op.length <= kWord) {
    pieces.push_back({0, op.length});
    return;
  }
  std::array<uint32_t, 3> borders;
  for (uint32_t& border : borders) {
    border = static_cast<uint32_t>(random_.Below(op.length / kWord)) * kWord;
  }
  std::sort(borders.begin(), borders.end());
  uint32_t begin = 0;
  for (const uint32_t border : borders) {
    if (border > begin) pieces.push_back({std::exchange(begin, border), border});
  }
  pieces.push_back({begin, op.length});
  const auto middle = static_cast<std::ptrdiff_t>(random_.Below(pieces.size()));
  std::rotate(pieces.begin(), pieces.begin() + middle, pieces.end());
}

Fate Network::Execute(NodeId from, NodeId to, const Operation& op, Piece piece) {
  Record(kTraceExecute, from, to, op.remote.address, static_cast<uint64_t>(op.code));
  if (op.code == OpCode::kRead || op.code == OpCode::kWrite) {
    if (op.length == 0) return Fate::kOk;
    std::byte* const there = port(to).memory.Resolve(op.remote, op.length);
    if (there == nullptr || op.length > kMostBytes) return Fate::kBadAddress;
    if (op.code == OpCode::kWrite && op.length == 8 && op.local == nullptr) {
      StoreWord(there, op.operand);
      return Fate::kOk;
    }
    // Who executes its chains itself may name any memory of its own.
    if (!options_.direct && !port(from).memory.Covers(op.local, op.local_key, op.length)) {
      return Fate::kBadAddress;
    }
    auto* const here = static_cast<std::byte*>(op.local);
    const size_t bytes = piece.end - piece.begin;
    if (op.code == OpCode::kRead) {
      std::memcpy(here + piece.begin, there + piece.begin, bytes);
    } else {
      std::memcpy(there + piece.begin, here + piece.begin, bytes);
    }
    return Fate::kOk;
  }
  std::byte* const word = port(to).memory.Resolve(op.remote, 8);
  if (word == nullptr || op.remote.address % 8 != 0) return Fate::kBadAddress;
  if (!options_.direct && op.local != nullptr &&
      !port(from).memory.Covers(op.local, op.local_key, 8)) {
    return Fate::kBadAddress;
  }
  const uint64_t old = LoadWord(word);
  switch (op.code) {
    case OpCode::kWriteWithImmediate:
      if (op.length != 8) return Fate::kBadAddress;
      StoreWord(word, op.local != nullptr ? LoadWord(op.local) : op.operand);
      scheduler_.WakeAll(word, options_.latency.wake_ns + Lateness());
      return Fate::kOk;
    case OpCode::kCompareAndSwap:
      if (old == op.compare) StoreWord(word, op.operand);
      break;
    default:
      StoreWord(word, old + op.operand);
      break;
  }
  StoreWord(op.local, old);
  return Fate::kOk;
}

int64_t Network::WireNs(NodeId from, NodeId to) const {
  int64_t wire = from == to ? options_.latency.own_node_ns : options_.latency.wire_ns;
  for (const FaultPlan::Distant& distant : options_.faults.distant) {
    if (distant.from == from && distant.to == to) wire += distant.ns;
  }
  return wire;
}

int64_t Network::Lateness() {
  const FaultPlan& faults = options_.faults;
  int64_t late = faults.jitter_ns > 0 ? random_.Between(0, faults.jitter_ns) : 0;
  if (random_.OneIn(faults.late_one_in)) late += random_.Between(0, faults.late_ns);
  return late;
}

int64_t Network::AfterOutages(NodeId from, NodeId to, int64_t when_ns) const {
  for (const FaultPlan::Outage& outage : options_.faults.outages) {
    const bool concerned =
        (outage.one == from && outage.other == to) || (outage.one == to && outage.other == from);
    if (concerned && Between(when_ns - faults_from_ns_, outage.begin_ns, outage.end_ns)) {
      when_ns = faults_from_ns_ + outage.end_ns;
    }
  }
  for (const FaultPlan::Lost& lost : options_.faults.lost) {
    const bool concerned =
        (lost.winner == from && lost.loser == to) || (lost.winner == to && lost.loser == from);
    const int64_t end_ns = lost.at_ns + lost.end_after_ns;
    if (concerned && Between(when_ns - faults_from_ns_, lost.at_ns, end_ns)) {
      when_ns = faults_from_ns_ + end_ns;
    }
  }
  return when_ns;
}

int64_t Network::WhenReady(NodeId to, int64_t when_ns) const {
  for (const FaultPlan::NotReady& fault : options_.faults.not_ready) {
    if (fault.node == to && Between(when_ns - faults_from_ns_, fault.begin_ns, fault.end_ns)) {
      when_ns = faults_from_ns_ + fault.end_ns;
    }
  }
  return when_ns;
}

bool Network::HasCredit(NodeId from, NodeId to) {
  if (pair(from, to).messages() >= options_.mailbox_slots) return false;
  const int64_t now = scheduler_.now_ns() - faults_from_ns_;
  return std::none_of(options_.faults.no_credit.begin(), options_.faults.no_credit.end(),
                      [&](const FaultPlan::NotReady& fault) {
                        return fault.node == to && Between(now, fault.begin_ns, fault.end_ns);
                      });
}

// --- Faults that happen at a time ----------------------------------------------------------------

void Network::At(int64_t when_ns, Happening happening, uint32_t first, uint32_t second) {
  scheduler_.Schedule(when_ns, this,
                      uint64_t{static_cast<uint8_t>(happening)} << 32 | first << 16 | second);
}

void Network::StartFaults() {
  const FaultPlan& faults = options_.faults;
  faults_from_ns_ = scheduler_.now_ns();
  for (const FaultPlan::Slow& slow : faults.slow) scheduler_.Slow(slow.node.value(), slow.factor);
  for (uint32_t index = 0; index < faults.stops.size(); ++index) {
    At(faults_from_ns_ + faults.stops[index].begin_ns, Happening::kStop, index);
  }
  for (uint32_t index = 0; index < faults.deaths.size(); ++index) {
    const FaultPlan::Death& death = faults.deaths[index];
    if (death.at_ns > 0) At(faults_from_ns_ + death.at_ns, Happening::kDeath, index);
    if (death.after_advances > 0) {
      scheduler_.KillAfter(death.node.value(), death.after_advances);
    }
  }
  for (uint32_t index = 0; index < faults.lost.size(); ++index) {
    const FaultPlan::Lost& lost = faults.lost[index];
    At(faults_from_ns_ + lost.at_ns + lost.end_after_ns, Happening::kLoserEnds, index);
  }
}

// Called by the scheduler before the node's threads are gone for good.
void Network::OnDeath(uint32_t node) {
  ++deaths_;
  if (on_death_) on_death_(NodeId(node));
  Record(kTraceDied, NodeId(node), NodeId(node), 0, 0);
  const int64_t now = scheduler_.now_ns();
  const int64_t drained = now + std::max<int64_t>(options_.faults.drain_ns, 1);
  for (const std::unique_ptr<QueuePair>& pair : ports_[node].pairs) {
    if (pair != nullptr) pair->Orphan(random_.Below(pair->queued() + 1));
  }
  At(drained, Happening::kDrained, node);
  for (uint32_t other = 0; other < size(); ++other) {
    if (other == node) continue;
    At(drained + 1 + random_.Between(0, options_.faults.told_within_ns), Happening::kTold, other,
       node);
  }
}

void Network::OnEvent(uint64_t tag) {
  const auto first = static_cast<uint32_t>(tag >> 16 & 0xFFFF);
  const auto second = static_cast<uint32_t>(tag & 0xFFFF);
  const FaultPlan& faults = options_.faults;
  switch (static_cast<Happening>(tag >> 32)) {
    case Happening::kStop: {
      const FaultPlan::Stop& stop = faults.stops[first];
      Record(kTraceStopped, stop.node, stop.node, 0,
             static_cast<uint64_t>(stop.end_ns - stop.begin_ns));
      scheduler_.Suspend(stop.node.value(), faults_from_ns_ + stop.end_ns);
      return;
    }
    case Happening::kDeath: {
      Kill(faults.deaths[first].node);
      return;
    }
    case Happening::kLoserEnds:
      Kill(faults.lost[first].loser);
      return;
    case Happening::kDrained:
      for (const std::unique_ptr<QueuePair>& pair : ports_[first].pairs) {
        if (pair != nullptr) pair->Fail();
      }
      return;
    case Happening::kTold:
      Fail(NodeId(first), NodeId(second), absl::StrCat("node ", second, " has died"));
      return;
  }
}

void Network::Fail(NodeId node, NodeId peer, std::string reason) {
  Port& own = port(node);
  if (!alive(node) || own.failed[peer.value()]) return;
  own.failed[peer.value()] = true;
  own.reasons[peer.value()] = std::move(reason);
  own.peers_changed = true;
  Record(kTraceTold, node, peer, 0, 0);
  pair(node, peer).Fail();
  // Failures are rare: even a node that polls is woken.
  scheduler_.WakeAll(&own, options_.latency.wake_ns);
}

void Network::BreakConnection(NodeId node, NodeId peer, std::string reason) {
  if (port(node).failed[peer.value()]) return;
  Fail(node, peer, std::move(reason));
  pair(peer, node).Cut();
  if (alive(peer)) {
    At(scheduler_.now_ns() + options_.latency.wire_ns, Happening::kTold, peer.value(),
       node.value());
  }
}

}  // namespace farpage::transport::sim
