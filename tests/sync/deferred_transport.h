// What a network does and shared memory does not, on top of a transport that runs in shared memory:
// completions come later, and the processor's atomics are not the fabric's.
#ifndef FARPAGE_TESTS_SYNC_DEFERRED_TRANSPORT_H_
#define FARPAGE_TESTS_SYNC_DEFERRED_TRANSPORT_H_

#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "transport/transport.h"

namespace farpage::transport {

// Chains execute in Post(), but Poll() reports them, and only every other call finds any.
class DeferredTransport final : public Transport {
 public:
  explicit DeferredTransport(std::unique_ptr<Transport> inner);

  absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes, std::string_view purpose) override;
  Fate Post(NodeId peer, std::span<const Operation> chain, Completion* completion) override;
  size_t Poll(std::span<Completion*> done) override;
  std::byte* DirectView(NodeId peer, RemoteAddress from, size_t bytes) override;
  Fate Send(NodeId peer, const Message& message) override;
  size_t Receive(std::span<ReceivedMessage> out) override;
  void BeginPolling() override { inner_->BeginPolling(); }
  bool EndPolling() override { return inner_->EndPolling(); }
  bool WaitForEvents(int64_t deadline_ns) override { return inner_->WaitForEvents(deadline_ns); }
  void Interrupt() override { inner_->Interrupt(); }
  Fate WaitForWord(const std::atomic<uint64_t>* word, uint64_t value, int64_t deadline_ns) override;
  bool peer_failed(NodeId peer) const override { return inner_->peer_failed(peer); }
  std::string failure_reason(NodeId peer) const override { return inner_->failure_reason(peer); }
  void MarkPeerFailed(NodeId peer, std::string_view reason) override;

 private:
  const std::unique_ptr<Transport> inner_;
  std::mutex mutex_;
  bool find_some_ = false;  // guarded by mutex_, as below
  std::deque<Completion*> ended_;
};

}  // namespace farpage::transport

#endif  // FARPAGE_TESTS_SYNC_DEFERRED_TRANSPORT_H_
