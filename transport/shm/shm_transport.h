// The transport between processes of one host: shared memory and processor instructions.
//
// Every node's registered memory lies in one unnamed file of the kernel that all nodes map. A chain
// executes inside Post(): nothing is ever pending, and no other thread takes part. Sleepers are
// woken by eventfds (messages) and futexes (words). When a node ends, however, the kernel tells the
// others within WaitForEvents(), WaitForWord(), Poll() or a Send() that finds no credit; nothing is
// left behind, for nothing has a name.
//
// An operation on bad memory without a completion makes the peer count as failed here, as it would
// break the connection of a network. With one, it ends the chain only.
#ifndef FARPAGE_TRANSPORT_SHM_SHM_TRANSPORT_H_
#define FARPAGE_TRANSPORT_SHM_SHM_TRANSPORT_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"

namespace farpage::transport {

struct ShmOptions {
  // Address space that this node reserves in every process for its allocations (not memory: that
  // is used as it is touched). 0: 1 TiB, less in large clusters, so that all nodes' segments
  // together take at most 16 TiB. Nodes may differ.
  uint64_t reserve_bytes = 0;
  // Messages from one node to another that may wait. A power of two, 1 … 65,536, the same on all
  // nodes. Cost: 64 bytes each, per sender and receiver.
  uint32_t mailbox_slots = 256;
  // How often threads that sleep or poll look whether a process has died, in milliseconds; at least
  // 1. Threads in WaitForEvents() hear of it at once.
  uint32_t look_interval_ms = 50;
  // Notice the death of a process by a pipe also where the kernel has process descriptors.
  bool lifeline_by_pipe = false;
};

// Collective. The transport needs `rendezvous` only until this returns.
// Errors: those of the rendezvous; FAILED_PRECONDITION when nodes are not on one host or are of
// different builds; INVALID_ARGUMENT for options out of bounds or different on nodes;
// RESOURCE_EXHAUSTED naming the limit. An error on one node is returned on all, with its number.
absl::StatusOr<std::unique_ptr<Transport>> CreateShmTransport(Rendezvous& rendezvous,
                                                              const ShmOptions& options,
                                                              absl::Time deadline);

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_SHM_SHM_TRANSPORT_H_
