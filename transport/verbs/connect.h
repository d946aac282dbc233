// Brings the nodes together: makes one queue pair per node, exchanges their addresses and connects
// them.
#ifndef FARPAGE_TRANSPORT_VERBS_CONNECT_H_
#define FARPAGE_TRANSPORT_VERBS_CONNECT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/verbs/completions.h"
#include "transport/verbs/device.h"
#include "transport/verbs/handles.h"
#include "transport/verbs/inboxes.h"
#include "transport/verbs/lifelines.h"
#include "transport/verbs/memory.h"
#include "transport/verbs/peers.h"
#include "transport/verbs/queue_pair.h"
#include "transport/verbs/send_queue.h"
#include "transport/verbs/verbs_transport.h"
#include "transport/verbs/wakeups.h"

namespace farpage::transport::verbs {

// All that makes up a node's connections, in the order in which the parts need each other.
// Vectors are indexed by peer, this node included.
struct Connection {
  uint32_t mailbox_slots = 0;
  QueueDepths depths;

  std::shared_ptr<const Device> device;
  std::unique_ptr<RegisteredMemory> control;
  ChannelHandle channel;
  CompletionQueueHandle sends;
  CompletionQueueHandle receives;
  std::vector<QueuePair> pairs;
  std::optional<Lifelines> lifelines;

  std::unique_ptr<Wakeups> wakeups;
  std::unique_ptr<Peers> peers;
  std::unique_ptr<Completions> completions;
  std::unique_ptr<Inboxes> inboxes;
  std::vector<std::unique_ptr<SendQueue>> send_queues;
};

// Collective: two exchanges, the second to make sure that all nodes can receive. Errors as
// CreateVerbsTransport().
absl::StatusOr<std::unique_ptr<Connection>> Connect(Rendezvous& rendezvous,
                                                    const VerbsOptions& options,
                                                    absl::Time deadline);

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_CONNECT_H_
