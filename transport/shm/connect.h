// Brings the nodes of one host together: every node maps every other's segment.
#ifndef FARPAGE_TRANSPORT_SHM_CONNECT_H_
#define FARPAGE_TRANSPORT_SHM_CONNECT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/shm/own_segment.h"
#include "transport/shm/peers.h"
#include "transport/shm/shm_transport.h"

namespace farpage::transport::shm {

struct Connection {
  std::shared_ptr<OwnSegment> own;
  OwnedFd lifeline;  // kept open while this node lives
  std::unique_ptr<Peers> peers;
};

// Collective: two exchanges, the second to make sure that all nodes have mapped all others. Errors
// as CreateShmTransport().
absl::StatusOr<Connection> Connect(Rendezvous& rendezvous, const ShmOptions& options,
                                   absl::Time deadline);

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_CONNECT_H_
