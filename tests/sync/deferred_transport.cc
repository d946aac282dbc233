#include "tests/sync/deferred_transport.h"

#include <utility>

namespace farpage::transport {

DeferredTransport::DeferredTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {
  self_ = inner_->self();
  size_ = inner_->size();
  capabilities_ = inner_->capabilities();
  capabilities_.name = "deferred";
  capabilities_.atomic_scope = AtomicScope::kFabric;
  capabilities_.direct_access = false;
  capabilities_.completes_inline = false;
}

absl::StatusOr<std::unique_ptr<Memory>> DeferredTransport::Allocate(size_t bytes,
                                                                    std::string_view purpose) {
  return inner_->Allocate(bytes, purpose);
}

Fate DeferredTransport::Post(NodeId peer, std::span<const Operation> chain,
                             Completion* completion) {
  const Fate fate = inner_->Post(peer, chain, completion);
  if (fate != Fate::kOk || completion == nullptr) return fate;
  std::lock_guard lock(mutex_);
  ended_.push_back(completion);
  return Fate::kPending;
}

size_t DeferredTransport::Poll(std::span<Completion*> done) {
  inner_->Poll(done);  // finds nothing, but looks after peers
  std::lock_guard lock(mutex_);
  find_some_ = !find_some_;
  if (!find_some_) return 0;
  size_t count = 0;
  for (; count < done.size() && !ended_.empty(); ++count) {
    done[count] = ended_.front();
    ended_.pop_front();
  }
  return count;
}

std::byte* DeferredTransport::DirectView(NodeId /*peer*/, RemoteAddress /*from*/,
                                         size_t /*bytes*/) {
  return nullptr;
}

Fate DeferredTransport::Send(NodeId peer, const Message& message) {
  return inner_->Send(peer, message);
}

size_t DeferredTransport::Receive(std::span<ReceivedMessage> out) { return inner_->Receive(out); }

Fate DeferredTransport::WaitForWord(const std::atomic<uint64_t>* word, uint64_t value,
                                    int64_t deadline_ns) {
  return inner_->WaitForWord(word, value, deadline_ns);
}

void DeferredTransport::MarkPeerFailed(NodeId peer, std::string_view reason) {
  inner_->MarkPeerFailed(peer, reason);
}

}  // namespace farpage::transport
