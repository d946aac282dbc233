// A transport of which the test plays the other end: it says what lies in the peers' memory, when
// chains end and how, and keeps what was sent.
#ifndef FARPAGE_TESTS_RUNTIME_FAKE_TRANSPORT_H_
#define FARPAGE_TESTS_RUNTIME_FAKE_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "transport/transport.h"

namespace farpage::testing {

// One thread. Nothing wakes anybody and nothing sleeps.
class FakeTransport final : public transport::Transport {
 public:
  static constexpr transport::RemoteKey kEntriesKey{1};  // addresses are bytes into entries()
  static constexpr transport::RemoteKey kFramesKey{2};   // all pages read as zeros
  static constexpr transport::RemoteKey kOwnKey{3};      // memory of this node

  struct Sent {
    NodeId to;
    transport::Message message;
  };
  struct Options {
    uint32_t nodes = 4;
    bool as_shm = false;  // chains end in Post(), peers' memory is mapped
    size_t entry_words = 0;
  };

  // This node is node 0.
  explicit FakeTransport(const Options& options);

  // What chains find and change: the directory of all homes. A word that no node can have written
  // reads as 0.
  std::vector<uint64_t>& entries() { return entries_; }

  size_t chains_under_way() const { return under_way_.size(); }
  // Ends the chain posted first, with kOk or as of a peer that has died. Poll() then reports it.
  void EndChain(bool ok);

  std::vector<Sent> TakeSent() { return std::exchange(sent_, {}); }
  const std::string& mark(NodeId peer) const { return marks_[peer.value()]; }
  void ForgetFailures();

  absl::StatusOr<std::unique_ptr<transport::Memory>> Allocate(size_t bytes,
                                                              std::string_view purpose) override;
  transport::Fate Post(NodeId peer, std::span<const transport::Operation> chain,
                       transport::Completion* completion) override;
  size_t Poll(std::span<transport::Completion*> done) override;
  std::byte* DirectView(NodeId, transport::RemoteAddress, size_t) override { return nullptr; }
  transport::Fate Send(NodeId peer, const transport::Message& message) override;
  size_t Receive(std::span<transport::ReceivedMessage>) override { return 0; }
  void BeginPolling() override {}
  bool EndPolling() override { return false; }
  bool WaitForEvents(int64_t) override { return false; }
  void Interrupt() override {}
  transport::Fate WaitForWord(const std::atomic<uint64_t>*, uint64_t, int64_t) override {
    return transport::Fate::kTimedOut;
  }
  bool peer_failed(NodeId peer) const override { return !marks_[peer.value()].empty(); }
  std::string failure_reason(NodeId peer) const override { return marks_[peer.value()]; }
  void MarkPeerFailed(NodeId peer, std::string_view reason) override;

 private:
  struct Chain {
    std::vector<transport::Operation> operations;
    transport::Completion* completion;
  };

  transport::Fate Execute(std::span<const transport::Operation> chain);
  transport::Fate ExecuteOne(const transport::Operation& operation);
  uint64_t* Word(uint64_t address);

  std::vector<uint64_t> entries_;
  std::deque<Chain> under_way_;
  std::deque<transport::Completion*> ended_;
  std::vector<Sent> sent_;
  std::vector<std::string> marks_;  // why a peer counts as failed; empty: it does not
};

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RUNTIME_FAKE_TRANSPORT_H_
