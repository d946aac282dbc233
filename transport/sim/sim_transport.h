// One node's connection to a simulated fabric.
#ifndef FARPAGE_TRANSPORT_SIM_SIM_TRANSPORT_H_
#define FARPAGE_TRANSPORT_SIM_SIM_TRANSPORT_H_

#include <memory>
#include <string>
#include <string_view>

#include "transport/sim/network.h"
#include "transport/transport.h"

namespace farpage::transport::sim {

// Called by the scheduler's simulated threads; time passes in every call, so that no loop that
// polls can go on for ever. Outside of simulated threads no time passes, and nothing can be waited
// for.
class SimTransport final : public Transport {
 public:
  SimTransport(Network& network, NodeId self);

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
  Port& port() const { return network_.port(self_); }
  void Spend(int64_t ns) { network_.scheduler().Advance(ns); }
  void Arm();
  Fate ExecuteNow(NodeId peer, std::span<const Operation> chain);

  Network& network_;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_SIM_TRANSPORT_H_
