// The transport over RDMA verbs: InfiniBand, RoCE and Soft-RoCE.
//
// Every pair of nodes has one reliable connection (a queue pair at each end), and every node one to
// itself, because its own atomic operations must go through the NIC too. One-sided operations need
// no processor at the peer. The connections are made by an exchange over the rendezvous. Beside
// each runs a TCP connection that carries nothing: the kernel closes it when a process dies, and
// its keep-alive notices a lost host, so that a death is known also to those who post nothing.
//
// Order. Within a chain, writes and atomic operations after a read wait for it (a fence); nothing
// else costs a wait. Between chains, an operation may be seen by a read of an *earlier* chain that
// has not completed, since a NIC may repeat reads: wait for a read before posting what must come
// after it.
//
// Bad addresses. A NIC answers a bad address or key by breaking the connection in both directions.
// The chain ends with kBadAddress; chains posted to this peer after it end with kPeerFailed, and
// both ends count each other as failed from then on. (Misalignment is found before posting and
// breaks nothing.)
//
// Limits. Post() returns kNoCredit while 16,384 chains have been posted whose completions Poll()
// has not returned. A sleeping agent is woken by the completions of chains that were posted before
// it went to sleep, or by a thread between BeginPolling() and EndPolling().
//
// Processes. Descriptors of the device and of the TCP connections close on exec, but a child that
// is forked and execs nothing holds them: until it ends too, the node does not count as dead.
//
// Threads. One thread of the transport's own sleeps on the TCP connections and on the device's
// asynchronous events. It takes no part in operations or messages.
#ifndef FARPAGE_TRANSPORT_VERBS_VERBS_TRANSPORT_H_
#define FARPAGE_TRANSPORT_VERBS_VERBS_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"

namespace farpage::transport {

// Nodes may differ in all of these but mailbox_slots.
struct VerbsOptions {
  // Which device ("mlx5_0"), port (1 …) and entry of the port's GID table, or the IP address whose
  // GID to take. Those not given are chosen: the first active port that is InfiniBand or has a
  // RoCE v2 GID of an IPv4 address, or else of an IPv6 address.
  std::string device;
  uint32_t port = 0;
  int gid_index = -1;
  std::string address;
  // Largest packet: 256, 512, 1024, 2048 or 4096. 0: what the port has. Both ends use the smaller.
  uint32_t mtu_bytes = 0;
  // RoCE traffic class and InfiniBand service level of all packets.
  uint8_t traffic_class = 0;
  uint8_t service_level = 0;

  // A packet not acknowledged within ack_timeout (rounded up to 4.096 µs × 2ⁿ; NICs may take up to
  // four times as long) is sent again, at most `retries` (0 … 7) times; then the peer has failed.
  // This is not how deaths are noticed, so it may be patient.
  absl::Duration ack_timeout = absl::Milliseconds(260);
  uint8_t retries = 7;
  // IP address for the TCP connections. Empty: that of the GID, or on InfiniBand the host's first.
  std::string lifeline_address;

  // Work requests to one peer under way, 16 … 4096. Less if the device has not so much.
  uint32_t send_queue_depth = 128;
  // Writes up to this size, at most 64 bytes, are copied into the work request. Less if the device
  // has not so much.
  uint32_t inline_bytes = 64;
  // Messages from one node to another that may wait: a power of two, 8 … 1024, the same on all
  // nodes. 0: 64, less in clusters of more than 200 nodes. Cost: 64 registered bytes each, per
  // sender and receiver.
  uint32_t mailbox_slots = 0;
};

// Collective. The transport needs `rendezvous` only until this returns.
// Errors: those of the rendezvous; NOT_FOUND when there is no device, or not the one asked for;
// FAILED_PRECONDITION when a port is down, has no fitting GID or no atomic operations;
// PERMISSION_DENIED when the device cannot be opened; INVALID_ARGUMENT for options out of bounds or
// different on nodes; RESOURCE_EXHAUSTED naming the limit and the number needed;
// DEADLINE_EXCEEDED naming the node that was not reached. Each says what to do about it. An error
// on one node is returned on all, with its number.
absl::StatusOr<std::unique_ptr<Transport>> CreateVerbsTransport(Rendezvous& rendezvous,
                                                                const VerbsOptions& options,
                                                                absl::Time deadline);

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_VERBS_VERBS_TRANSPORT_H_
