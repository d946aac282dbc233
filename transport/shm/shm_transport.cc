#include "transport/shm/shm_transport.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "transport/shm/connect.h"
#include "transport/shm/gates.h"
#include "transport/shm/mailbox.h"
#include "transport/shm/one_sided.h"
#include "transport/shm/peers.h"

namespace farpage::transport {
namespace shm {
namespace {

constexpr uint32_t kMaxChain = 128;

class ShmTransport final : public Transport {
 public:
  ShmTransport(NodeId self, uint32_t nodes, uint32_t slots, Connection connection);

  absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes, std::string_view purpose) override;
  Fate Post(NodeId peer, std::span<const Operation> chain, Completion* completion) override;
  size_t Poll(std::span<Completion*> done) override;
  std::byte* DirectView(NodeId peer, RemoteAddress from, size_t bytes) override;
  Fate Send(NodeId peer, const Message& message) override;
  size_t Receive(std::span<ReceivedMessage> out) override;
  void BeginPolling() override;
  bool EndPolling() override;
  bool WaitForEvents(int64_t deadline_ns) override;
  void Interrupt() override;
  Fate WaitForWord(const std::atomic<uint64_t>* word, uint64_t value, int64_t deadline_ns) override;
  bool peer_failed(NodeId peer) const override;
  std::string failure_reason(NodeId peer) const override;
  void MarkPeerFailed(NodeId peer, std::string_view reason) override;

 private:
  SegmentHeader& header() const { return connection_.own->segment().header(); }
  Peers& peers() const { return *connection_.peers; }
  bool HasEvent();
  void SleepUntilBell(int64_t deadline_ns);

  const Connection connection_;
  Inbox inbox_;
  std::atomic<bool> interrupted_{false};    // taken by WaitForEvents()
  std::atomic<uint32_t> interruptions_{0};  // compared by WaitForWord()
  uint32_t failures_seen_ = 0;              // by the thread in WaitForEvents()
};

ShmTransport::ShmTransport(NodeId self, uint32_t nodes, uint32_t slots, Connection connection)
    : connection_(std::move(connection)), inbox_(connection_.own->segment(), nodes, slots) {
  self_ = self;
  size_ = nodes;
  capabilities_ = {.name = "shm",
                   .atomic_scope = AtomicScope::kCpu,
                   .direct_access = true,
                   .completes_inline = true,
                   .inline_bytes = 1u << 30,
                   .max_chain = kMaxChain,
                   .mailbox_slots = slots};
}

absl::StatusOr<std::unique_ptr<Memory>> ShmTransport::Allocate(size_t bytes,
                                                               std::string_view purpose) {
  return connection_.own->Allocate(bytes, purpose);
}

Fate ShmTransport::Post(NodeId peer, std::span<const Operation> chain, Completion* completion) {
  if (peer.value() >= size_ || chain.empty() || chain.size() > kMaxChain) return Fate::kBadAddress;
  const Peer& target = peers()[peer];
  if (!target.up()) return Fate::kPeerFailed;
  const Fate fate = Execute(target.segment, chain);
  if (completion != nullptr) {
    completion->fate = fate;
  } else if (fate != Fate::kOk) {
    peers().Fail(peer, PeerState::kBadOperation);
  }
  return fate;
}

size_t ShmTransport::Poll(std::span<Completion*>) {
  // Nothing is ever pending. But who polls waits, perhaps for a peer that has died.
  peers().LookSometimes();
  return 0;
}

std::byte* ShmTransport::DirectView(NodeId peer, RemoteAddress from, size_t bytes) {
  if (peer.value() >= size_) return nullptr;
  const Peer& target = peers()[peer];
  return target.up() ? target.segment.Resolve(from, bytes) : nullptr;
}

Fate ShmTransport::Send(NodeId peer, const Message& message) {
  if (peer.value() >= size_) return Fate::kBadAddress;
  Peer& target = peers()[peer];
  if (!target.up()) return Fate::kPeerFailed;
  const Fate fate = target.outbox.Push(target.segment, self_, capabilities_.mailbox_slots, message);
  if (fate == Fate::kOk) {
    if (TakeBell(target.segment.header())) Ring(target.doorbell);
  } else if (fate == Fate::kBadAddress) {
    peers().Fail(peer, PeerState::kDamaged);
    return Fate::kPeerFailed;
  } else {
    // Nobody may be left there to receive, and the caller tries again and again.
    peers().LookSometimes();
    if (!target.up()) return Fate::kPeerFailed;
  }
  return fate;
}

size_t ShmTransport::Receive(std::span<ReceivedMessage> out) {
  bool more = false;
  const size_t count = inbox_.Receive(out, &more);
  if (more && TakeBell(header())) Ring(peers().self().doorbell);
  return count;
}

void ShmTransport::BeginPolling() { header().pollers.fetch_add(1, std::memory_order_seq_cst); }

bool ShmTransport::EndPolling() {
  header().pollers.fetch_sub(1, std::memory_order_seq_cst);
  return HasMail(header(), size_);
}

bool ShmTransport::HasEvent() {
  if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return true;
  if (const uint32_t failures = peers().failures(); failures != failures_seen_) {
    failures_seen_ = failures;
    return true;
  }
  return HasMail(header(), size_);
}

void ShmTransport::SleepUntilBell(int64_t deadline_ns) {
  const int64_t left = std::max<int64_t>(deadline_ns - NowNs(), 0);
  const timespec limit{left / 1'000'000'000, left % 1'000'000'000};
  pollfd fds[] = {{peers().self().doorbell.get(), POLLIN, 0}, {peers().watch_fd(), POLLIN, 0}};
  if (::ppoll(fds, 2, &limit, nullptr) <= 0) return;
  uint64_t rings = 0;
  [[maybe_unused]] const ssize_t bytes =
      ::read(peers().self().doorbell.get(), &rings, sizeof rings);
  peers().Look();
}

bool ShmTransport::WaitForEvents(int64_t deadline_ns) {
  peers().LookSometimes();  // with messages coming all the time it never sleeps
  while (true) {
    // Announced before the last look: whoever adds an event after it sees the announcement.
    header().asleep.store(1, std::memory_order_seq_cst);
    const bool event = HasEvent();
    if (!event && NowNs() < deadline_ns) {
      SleepUntilBell(deadline_ns);
      continue;
    }
    header().asleep.store(0, std::memory_order_seq_cst);
    return event;
  }
}

void ShmTransport::Interrupt() {
  interrupted_.store(true, std::memory_order_seq_cst);
  interruptions_.fetch_add(1, std::memory_order_seq_cst);
  Ring(peers().self().doorbell);
  peers().WakeWords();
}

Fate ShmTransport::WaitForWord(const std::atomic<uint64_t>* word, uint64_t value,
                               int64_t deadline_ns) {
  const Segment& own = connection_.own->segment();
  const uint64_t offset = reinterpret_cast<uintptr_t>(word) - reinterpret_cast<uintptr_t>(own.base);
  if (offset >= own.bytes || (offset & 7) != 0) return Fate::kBadAddress;
  const uint32_t interruptions = interruptions_.load(std::memory_order_seq_cst);
  const uint32_t failures = peers().failures();
  WordGate& gate = own.header().gates[GateOf(offset)];
  // Announced before the word is read: who changes it after that sees a sleeper.
  gate.sleepers.fetch_add(1, std::memory_order_seq_cst);
  Fate fate = Fate::kOk;
  while (true) {
    const uint32_t seen = gate.changes.load(std::memory_order_seq_cst);
    if (word->load(std::memory_order_seq_cst) != value) break;
    if (interruptions_.load(std::memory_order_seq_cst) != interruptions) break;
    if (peers().failures() != failures) break;
    const int64_t left = deadline_ns - NowNs();
    if (left <= 0) {
      fate = Fate::kTimedOut;
      break;
    }
    // No agent may be there to notice deaths, so each sleeper wakes to look.
    SleepAtGate(gate, seen, std::min(left, peers().look_interval_ns()));
    peers().LookSometimes();
  }
  gate.sleepers.fetch_sub(1, std::memory_order_seq_cst);
  return fate;
}

bool ShmTransport::peer_failed(NodeId peer) const { return !peers()[peer].up(); }

std::string ShmTransport::failure_reason(NodeId peer) const { return peers().reason(peer); }

void ShmTransport::MarkPeerFailed(NodeId peer, std::string_view reason) {
  peers().Mark(peer, reason);
}

}  // namespace
}  // namespace shm

absl::StatusOr<std::unique_ptr<Transport>> CreateShmTransport(Rendezvous& rendezvous,
                                                              const ShmOptions& options,
                                                              absl::Time deadline) {
  absl::StatusOr<shm::Connection> connection = shm::Connect(rendezvous, options, deadline);
  if (!connection.ok()) return connection.status();
  return std::make_unique<shm::ShmTransport>(rendezvous.self(), rendezvous.size(),
                                             options.mailbox_slots, *std::move(connection));
}

}  // namespace farpage::transport
