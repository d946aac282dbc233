// TCP connections between all nodes that carry nothing: one that closes tells that its process has
// ended, one whose keep-alive fails that its host has.
#ifndef FARPAGE_TRANSPORT_VERBS_LIFELINES_H_
#define FARPAGE_TRANSPORT_VERBS_LIFELINES_H_

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/types.h"

namespace farpage::transport::verbs {

// Where a node accepts lifelines, and what a peer must say there. Sent as bytes.
struct LifelineAddress {
  std::array<uint8_t, 16> ip{};  // IPv6, or IPv4 mapped
  std::array<uint8_t, 16> token{};
  uint16_t port = 0;  // network byte order
  uint16_t reserved[3] = {};
};

// The end of a lifeline as the watcher sees it.
enum class LifelineEnd { kNone, kDied, kLost, kLeft, kGaveUp };

class Lifelines {
 public:
  // Starts to accept at `address` (an IP address), or at the host's first that is not loopback.
  static absl::StatusOr<Lifelines> Listen(NodeId self, const std::string& address, uint32_t nodes);

  const LifelineAddress& address() const { return address_; }

  // Collective, after all nodes have listened: connects to the nodes of higher number and accepts
  // from those of lower. Errors: DEADLINE_EXCEEDED or UNAVAILABLE naming the node and its address.
  absl::Status Connect(std::span<const LifelineAddress> nodes, absl::Time deadline);

  // -1 for this node itself, and for lifelines that were closed.
  int fd(NodeId peer) const { return lines_[peer.value()].get(); }
  // How a readable lifeline has ended, if it has.
  LifelineEnd Look(NodeId peer) const;
  // Tells the peer that it is given up here, or all peers that this node leaves; then closes.
  void GiveUp(NodeId peer);
  void Leave();

 private:
  Lifelines(NodeId self, OwnedFd listener, const LifelineAddress& address);

  void Close(NodeId peer, char word);
  absl::Status ConnectTo(NodeId peer, const LifelineAddress& address, absl::Time deadline);
  absl::Status AcceptOne(absl::Time deadline);

  NodeId self_;
  OwnedFd listener_;
  LifelineAddress address_;
  std::vector<OwnedFd> lines_;  // by peer
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_LIFELINES_H_
