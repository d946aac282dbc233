#include "transport/verbs/verbs_transport.h"

#include <algorithm>
#include <utility>

#include "transport/verbs/connect.h"
#include "transport/verbs/events.h"
#include "transport/verbs/introduction.h"
#include "transport/verbs/watcher.h"

namespace farpage::transport {
namespace verbs {
namespace {

// How long a leaving node waits for its last posts to be executed.
constexpr int64_t kLeaveNs = 1'000'000'000;

class VerbsTransport final : public Transport {
 public:
  VerbsTransport(NodeId self, std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)),
        peers_(*connection_->peers),
        events_(connection_->channel.get(), connection_->sends.get(), connection_->receives.get(),
                connection_->completions.get(), connection_->inboxes.get(), &peers_,
                connection_->wakeups.get()) {
    self_ = self;
    size_ = peers_.count();
    capabilities_.name = "verbs";
    capabilities_.atomic_scope = connection_->device->attributes().atomic_cap == IBV_ATOMIC_GLOB
                                     ? AtomicScope::kCpu
                                     : AtomicScope::kFabric;
    capabilities_.inline_bytes = connection_->depths.inline_bytes;
    capabilities_.max_chain = WorkRequests::kCapacity;
    capabilities_.mailbox_slots = connection_->mailbox_slots;
  }

  ~VerbsTransport() override {
    FinishPosts();
    watcher_.reset();
    connection_->lifelines->Leave();
  }

  absl::Status Start() {
    absl::StatusOr<std::unique_ptr<Watcher>> watcher = Watcher::Start(
        {connection_->device->context(), connection_->pairs, connection_->send_queues,
         &*connection_->lifelines, connection_->completions.get(), connection_->inboxes.get(),
         &peers_, connection_->wakeups.get()});
    if (!watcher.ok()) return watcher.status();
    watcher_ = *std::move(watcher);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes,
                                                   std::string_view purpose) override {
    absl::StatusOr<std::unique_ptr<RegisteredMemory>> memory =
        RegisteredMemory::Allocate(connection_->device, bytes, purpose);
    if (!memory.ok()) return At(self_, memory.status());
    return *std::move(memory);
  }

  Fate Post(NodeId peer, std::span<const Operation> chain, Completion* completion) override {
    return connection_->send_queues[peer.value()]->Post(chain, completion);
  }
  size_t Poll(std::span<Completion*> done) override { return connection_->completions->Poll(done); }
  std::byte* DirectView(NodeId, RemoteAddress, size_t) override { return nullptr; }

  Fate Send(NodeId peer, const Message& message) override {
    return connection_->send_queues[peer.value()]->Send(message);
  }
  size_t Receive(std::span<ReceivedMessage> out) override {
    return connection_->inboxes->Receive(out);
  }
  void BeginPolling() override { events_.BeginPolling(); }
  bool EndPolling() override { return events_.EndPolling(); }
  bool WaitForEvents(int64_t deadline_ns) override { return events_.WaitForEvents(deadline_ns); }
  void Interrupt() override { events_.Interrupt(); }
  Fate WaitForWord(const std::atomic<uint64_t>* word, uint64_t value,
                   int64_t deadline_ns) override {
    return events_.WaitForWord(word, value, deadline_ns);
  }

  bool peer_failed(NodeId peer) const override { return !peers_.up(peer); }
  std::string failure_reason(NodeId peer) const override { return peers_.reason(peer); }
  void MarkPeerFailed(NodeId peer, std::string_view reason) override { peers_.Mark(peer, reason); }

 private:
  // Destroying a queue pair drops what it has not sent yet.
  void FinishPosts() {
    const int64_t deadline = NowNs() + kLeaveNs;
    for (const auto& queue : connection_->send_queues) queue->PostMarker();
    for (uint32_t i = 0; i < size_; ++i) {
      SendQueue& queue = *connection_->send_queues[i];
      while (peers_.up(NodeId(i)) && !queue.Idle() && NowNs() < deadline) {
        if (!connection_->completions->Reap()) ::sched_yield();
      }
    }
  }

  const std::unique_ptr<Connection> connection_;
  Peers& peers_;
  Events events_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace
}  // namespace verbs

absl::StatusOr<std::unique_ptr<Transport>> CreateVerbsTransport(Rendezvous& rendezvous,
                                                                const VerbsOptions& options,
                                                                absl::Time deadline) {
  absl::StatusOr<std::unique_ptr<verbs::Connection>> connection =
      verbs::Connect(rendezvous, options, deadline);
  if (!connection.ok()) return connection.status();
  auto transport =
      std::make_unique<verbs::VerbsTransport>(rendezvous.self(), *std::move(connection));
  const absl::Status started = transport->Start();
  if (!started.ok()) return verbs::At(rendezvous.self(), started);
  return transport;
}

}  // namespace farpage::transport
