// One end of a reliable connection to a peer.
#ifndef FARPAGE_TRANSPORT_VERBS_QUEUE_PAIR_H_
#define FARPAGE_TRANSPORT_VERBS_QUEUE_PAIR_H_

#include <infiniband/verbs.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/verbs/device.h"
#include "transport/verbs/handles.h"
#include "transport/verbs/verbs_transport.h"

namespace farpage::transport::verbs {

// Reads and atomic operations of one connection that a responder serves at a time. The requester's
// queue pair holds back further ones by itself.
inline constexpr uint8_t kReadDepth = 16;

// What the other end must know of a queue pair, and of the port it is on. Sent as bytes.
struct QueuePairAddress {
  uint32_t number = 0;
  uint32_t first_packet = 0;
};
struct PortAddress {
  ibv_gid gid{};
  uint16_t lid = 0;
  uint8_t roce = 0;
  uint8_t mtu = 0;         // ibv_mtu
  uint8_t read_depth = 0;  // that its queue pairs serve
  uint8_t reserved[3] = {};
};

struct QueueDepths {
  uint32_t send = 0;
  uint32_t receive = 0;
  uint32_t inline_bytes = 0;
};

// The address of `device`'s port, for the other ends.
PortAddress AddressOf(const Device& device);

class QueuePair {
 public:
  // A queue pair on the device's port that takes receive requests, but does not receive yet.
  // `depths` becomes what the device gave, which is at least what was asked for, except that
  // inline_bytes may be less.
  static absl::StatusOr<QueuePair> Create(const Device& device, ibv_cq* sends, ibv_cq* receives,
                                          QueueDepths& depths);

  QueuePairAddress address() const { return {handle_->qp_num, first_packet_}; }
  ibv_qp* get() const { return handle_.get(); }

  // From now on it receives, so receive requests should be posted before, and sends.
  absl::Status Connect(const Device& device, const VerbsOptions& options, const PortAddress& port,
                       const QueuePairAddress& peer);

  // Ends all that is under way: its work requests complete with a flush error.
  void Break();

 private:
  QueuePair(QueuePairHandle handle, uint32_t first_packet);

  QueuePairHandle handle_;
  uint32_t first_packet_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_QUEUE_PAIR_H_
