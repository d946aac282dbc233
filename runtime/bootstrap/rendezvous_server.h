// Where the nodes of a job meet: the launcher's end of the rendezvous.
//
// A part of the launcher's event loop, not a thread: whoever runs it polls event_fd(), calls
// Process() when that is readable or next_deadline() has passed, and tells it how processes ended.
// Not thread-safe.
//
// Once an exchange has failed, or a node has left or died, no later exchange can succeed: the nodes
// would no longer agree on what comes next. Everyone who asks gets the first reason.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_SERVER_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/bootstrap/exchange.h"
#include "runtime/bootstrap/frame_io.h"
#include "runtime/bootstrap/process_end.h"
#include "runtime/bootstrap/secret.h"

namespace farpage::bootstrap {

class RendezvousServer {
 public:
  using Clock = std::chrono::steady_clock;

  // Listens for `size` nodes under a random name in the abstract namespace, with a random secret.
  static absl::StatusOr<std::unique_ptr<RendezvousServer>> Listen(uint32_t size);

  const std::string& address() const { return address_; }  // for FARPAGE_RENDEZVOUS
  std::string secret_text() const { return SecretText(secret_); }

  int event_fd() const { return epoll_.get(); }
  Clock::time_point next_deadline() const;
  void Process();  // never blocks

  // The process of node `id` has ended. Reads what it had still sent before it judges.
  void NodeEnded(NodeId id, const ProcessEnd& end);

 private:
  enum class Presence : uint8_t { kAbsent, kJoined, kLeft, kDead };

  struct Connection {
    transport::OwnedFd socket;
    FrameReceiver receiver{kMaxHelloBytes};
    SendQueue to_send;
    NodeId node;                                            // None() until admitted
    bool closing = false;                                   // flush once, then close
    Clock::time_point deadline = Clock::time_point::max();  // to say Hello, or to send again
  };

  struct Node {
    Presence presence = Presence::kAbsent;
    Connection* connection = nullptr;
    // Its connection broke, and the launcher has not yet said how its process ended.
    Clock::time_point explain_by = Clock::time_point::max();
  };

  explicit RendezvousServer(uint32_t size) : exchange_(size), nodes_(size) {}

  void Accept();
  void Receive(Connection& connection);
  absl::Status Handle(Connection& connection, Frame frame);
  absl::Status Admit(Connection& connection, const Hello& hello);
  absl::Status CheckHello(const Hello& hello) const;
  void Contributed(Connection& connection, Contribute contribute, Frame frame);
  void Send(Connection& connection, std::shared_ptr<const OutgoingFrame> frame);
  void Flush(Connection& connection);
  void Lost(Connection& connection, const absl::Status& why);
  void Close(Connection& connection);
  void DropClosed();

  void RunTimers(Clock::time_point now);
  void Break(absl::Status why);
  void DeclareDead(NodeId id, const std::string& reason);

  std::string address_;
  Secret secret_{};
  transport::OwnedFd epoll_;
  transport::OwnedFd listener_;
  Clock::time_point accept_again_ = Clock::time_point::max();
  Exchange exchange_;
  absl::Status broken_;
  std::vector<Node> nodes_;
  size_t admitted_ = 0;  // connections that belong to a node
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;  // by socket
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_SERVER_H_
