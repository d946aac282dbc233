#include "transport/sim/sim_transport.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/sim/queue_pair.h"

namespace farpage::transport::sim {
namespace {

// Operations that may be queued for one peer; a poster waits for room.
constexpr size_t kSendQueue = 1024;

}  // namespace

SimTransport::SimTransport(Network& network, NodeId self) : network_(network) {
  const NetworkOptions& options = network.options();
  capabilities_.name = "sim";
  capabilities_.atomic_scope = AtomicScope::kFabric;
  capabilities_.direct_access = options.direct;
  capabilities_.completes_inline = options.direct;
  capabilities_.max_chain = options.max_chain;
  capabilities_.mailbox_slots = options.mailbox_slots;
  self_ = self;
  size_ = network.size();
}

absl::StatusOr<std::unique_ptr<Memory>> SimTransport::Allocate(size_t bytes,
                                                               std::string_view purpose) {
  absl::StatusOr<std::unique_ptr<Memory>> memory = port().memory.Allocate(bytes);
  if (memory.ok()) return memory;
  return absl::ResourceExhaustedError(absl::StrCat("node ", self_.value(), ", ",
                                                   std::string(purpose), ": ",
                                                   std::string(memory.status().message())));
}

Fate SimTransport::Post(NodeId peer, std::span<const Operation> chain, Completion* completion) {
  Spend(network_.options().latency.overhead_ns + network_.Lateness() / 8);
  if (peer_failed(peer)) return Fate::kPeerFailed;
  if (network_.options().direct) return ExecuteNow(peer, chain);
  QueuePair& pair = network_.pair(self_, peer);
  while (pair.queued() + chain.size() > kSendQueue) {
    Spend(network_.options().latency.wire_ns);
    if (peer_failed(peer)) return Fate::kPeerFailed;
  }
  pair.Post(chain, completion);
  return completion != nullptr ? Fate::kPending : Fate::kOk;
}

// What a dead node's memory is used for until its death is known does no harm.
Fate SimTransport::ExecuteNow(NodeId peer, std::span<const Operation> chain) {
  network_.Record(kTracePost, self_, peer, chain[0].remote.address, chain.size());
  Pieces pieces;
  for (const Operation& op : chain) {
    network_.Tear(op, pieces);
    while (!pieces.empty()) {
      const Fate fate = network_.Execute(self_, peer, op, pieces.back());
      pieces.pop_back();
      Spend(network_.options().latency.gap_ns + network_.Lateness());
      if (fate != Fate::kOk) return fate;
    }
  }
  return Fate::kOk;
}

size_t SimTransport::Poll(std::span<Completion*> done) {
  Spend(network_.options().latency.poll_ns);
  std::deque<Completion*>& ended = port().ended;
  const size_t count = std::min(done.size(), ended.size());
  std::copy_n(ended.begin(), count, done.begin());
  ended.erase(ended.begin(), ended.begin() + static_cast<ptrdiff_t>(count));
  return count;
}

std::byte* SimTransport::DirectView(NodeId peer, RemoteAddress from, size_t bytes) {
  if (!network_.options().direct) return nullptr;
  return network_.port(peer).memory.Resolve(from, bytes);
}

Fate SimTransport::Send(NodeId peer, const Message& message) {
  Spend(network_.options().latency.overhead_ns + network_.Lateness() / 8);
  if (peer_failed(peer)) return Fate::kPeerFailed;
  if (!network_.HasCredit(self_, peer)) return Fate::kNoCredit;
  network_.pair(self_, peer).Send(message);
  return Fate::kOk;
}

size_t SimTransport::Receive(std::span<ReceivedMessage> out) {
  std::deque<ReceivedMessage>& mailbox = port().mailbox;
  if (mailbox.empty()) return 0;
  Spend(network_.options().latency.receive_ns);
  const size_t count = std::min(out.size(), mailbox.size());
  for (size_t index = 0; index < count; ++index) {
    out[index] = mailbox.front();
    mailbox.pop_front();
    network_.pair(out[index].from, self_).OnReceived();
  }
  return count;
}

void SimTransport::BeginPolling() { ++port().pollers; }

bool SimTransport::EndPolling() {
  if (--port().pollers > 0) return false;
  if (port().asleep) Arm();
  return port().pollers == 0 && port().pending();
}

// The next completion or message wakes whoever sleeps.
void SimTransport::Arm() {
  const int64_t arm_ns = network_.options().latency.arm_ns;
  if (arm_ns > 0 && !std::exchange(port().armed, true)) Spend(arm_ns);
}

bool SimTransport::WaitForEvents(int64_t deadline_ns) {
  const Latency& latency = network_.options().latency;
  Scheduler& scheduler = network_.scheduler();
  port().asleep = true;
  if (port().pollers == 0) Arm();
  Spend(latency.poll_ns);
  for (;;) {
    const bool interrupted = std::exchange(port().interrupted, false);
    const bool changed = std::exchange(port().peers_changed, false);
    const bool happened = interrupted || changed || port().pending();
    if (happened || scheduler.now_ns() >= deadline_ns) {
      port().asleep = false;
      return happened;
    }
    if (scheduler.Wait(&port(), deadline_ns) && latency.event_ns > 0) Spend(latency.event_ns);
  }
}

void SimTransport::Interrupt() {
  port().interrupted = true;
  Scheduler& scheduler = network_.scheduler();
  scheduler.WakeAll(&port(), 0);
  for (const void* word : port().watched_words) scheduler.WakeAll(word, 0);
}

Fate SimTransport::WaitForWord(const std::atomic<uint64_t>* word, uint64_t value,
                               int64_t deadline_ns) {
  Scheduler& scheduler = network_.scheduler();
  Spend(network_.options().latency.poll_ns);
  if (word->load(std::memory_order_acquire) != value) return Fate::kOk;
  if (scheduler.now_ns() >= deadline_ns) return Fate::kTimedOut;
  std::vector<const void*>& watched = port().watched_words;
  watched.push_back(word);
  const bool woken = scheduler.Wait(word, deadline_ns);
  watched.erase(std::find(watched.begin(), watched.end(), word));
  return woken || word->load(std::memory_order_acquire) != value ? Fate::kOk : Fate::kTimedOut;
}

bool SimTransport::peer_failed(NodeId peer) const { return port().failed[peer.value()]; }

std::string SimTransport::failure_reason(NodeId peer) const { return port().reasons[peer.value()]; }

void SimTransport::MarkPeerFailed(NodeId peer, std::string_view reason) {
  network_.BreakConnection(self_, peer, std::string(reason));
}

}  // namespace farpage::transport::sim
