#include "tests/runtime/fake_transport.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace farpage::testing {
namespace {

using transport::Fate;
using transport::OpCode;
using transport::Operation;

constexpr size_t kPageBytes = 4096;

class FakeMemory final : public transport::Memory {
 public:
  explicit FakeMemory(size_t bytes) {
    size_ = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    data_ = new (std::align_val_t{kPageBytes}) std::byte[size_]();
    remote_ = {reinterpret_cast<uintptr_t>(data_), FakeTransport::kOwnKey, 0};
  }
  ~FakeMemory() override { ::operator delete[](data_, std::align_val_t{kPageBytes}); }
};

}  // namespace

FakeTransport::FakeTransport(const Options& options)
    : entries_(options.entry_words), marks_(options.nodes) {
  self_ = NodeId(0);
  size_ = options.nodes;
  capabilities_ = {.name = "fake",
                   .direct_access = options.as_shm,
                   .completes_inline = options.as_shm,
                   .inline_bytes = options.as_shm ? 1u << 30 : 0,
                   .max_chain = 64,
                   .mailbox_slots = 64};
}

absl::StatusOr<std::unique_ptr<transport::Memory>> FakeTransport::Allocate(size_t bytes,
                                                                           std::string_view) {
  return std::make_unique<FakeMemory>(bytes);
}

// Entries are of two words: the holder, who is a node's id + 1, and the sharers' bits.
uint64_t* FakeTransport::Word(uint64_t address) {
  const size_t index = address / sizeof(uint64_t);
  if (index >= entries_.size()) return nullptr;
  uint64_t& word = entries_[index];
  if (index % 2 == 0 ? word > size_ : word >> size_ != 0) word = 0;
  return &word;
}

Fate FakeTransport::ExecuteOne(const Operation& operation) {
  const bool atomic =
      operation.code == OpCode::kFetchAndAdd || operation.code == OpCode::kCompareAndSwap;
  if (operation.remote.key == kFramesKey && !atomic) {
    if (operation.code == OpCode::kRead) std::memset(operation.local, 0, operation.length);
    return Fate::kOk;
  }
  if (operation.remote.key != kEntriesKey) return Fate::kBadAddress;
  if (operation.code == OpCode::kRead) {
    auto* to = static_cast<uint64_t*>(operation.local);
    for (uint32_t at = 0; at < operation.length; at += sizeof(uint64_t)) {
      const uint64_t* word = Word(operation.remote.address + at);
      if (word == nullptr) return Fate::kBadAddress;
      *to++ = *word;
    }
    return Fate::kOk;
  }
  uint64_t* word = atomic ? Word(operation.remote.address) : nullptr;
  if (word == nullptr) return Fate::kBadAddress;
  const uint64_t old = *word;
  if (operation.code == OpCode::kFetchAndAdd) {
    *word += operation.operand;
  } else if (old == operation.compare) {
    *word = operation.operand;
  }
  if (operation.local != nullptr) std::memcpy(operation.local, &old, sizeof old);
  return Fate::kOk;
}

Fate FakeTransport::Execute(std::span<const Operation> chain) {
  for (const Operation& operation : chain) {
    if (const Fate fate = ExecuteOne(operation); fate != Fate::kOk) return fate;
  }
  return Fate::kOk;
}

Fate FakeTransport::Post(NodeId peer, std::span<const Operation> chain,
                         transport::Completion* completion) {
  if (peer.value() >= size_) return Fate::kBadAddress;
  if (peer_failed(peer)) return Fate::kPeerFailed;
  if (capabilities_.completes_inline || completion == nullptr) {
    const Fate fate = Execute(chain);
    if (completion != nullptr) completion->fate = fate;
    if (completion == nullptr && fate != Fate::kOk) MarkPeerFailed(peer, "a bad operation");
    return fate;
  }
  under_way_.push_back({{chain.begin(), chain.end()}, completion});
  return Fate::kPending;
}

void FakeTransport::EndChain(bool ok) {
  if (under_way_.empty()) return;
  const Chain chain = std::move(under_way_.front());
  under_way_.pop_front();
  chain.completion->fate = ok ? Execute(chain.operations) : Fate::kPeerFailed;
  ended_.push_back(chain.completion);
}

size_t FakeTransport::Poll(std::span<transport::Completion*> done) {
  size_t count = 0;
  for (; count < done.size() && !ended_.empty(); ++count) {
    done[count] = ended_.front();
    ended_.pop_front();
  }
  return count;
}

Fate FakeTransport::Send(NodeId peer, const transport::Message& message) {
  if (peer.value() >= size_) return Fate::kBadAddress;
  if (peer_failed(peer)) return Fate::kPeerFailed;
  sent_.push_back({peer, message});
  return Fate::kOk;
}

void FakeTransport::MarkPeerFailed(NodeId peer, std::string_view reason) {
  std::string& mark = marks_[peer.value()];
  if (mark.empty()) mark = std::string(reason);
}

void FakeTransport::ForgetFailures() {
  for (std::string& mark : marks_) mark.clear();
}

}  // namespace farpage::testing
