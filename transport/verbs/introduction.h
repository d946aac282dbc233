// What nodes tell each other when they meet.
#ifndef FARPAGE_TRANSPORT_VERBS_INTRODUCTION_H_
#define FARPAGE_TRANSPORT_VERBS_INTRODUCTION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/verbs/lifelines.h"
#include "transport/verbs/queue_pair.h"

namespace farpage::transport::verbs {

inline constexpr uint64_t kMagic = 0x3162726556677046;  // changes with what is exchanged

// Sent as bytes, the queue pairs after it.
struct NodeInfo {
  uint64_t magic = kMagic;
  uint32_t nodes = 0;
  uint32_t mailbox_slots = 0;
  PortAddress port;
  LifelineAddress lifeline;
  RemoteAddress control;
};

struct Introduction {
  NodeInfo node;
  std::vector<QueuePairAddress> pairs;  // by peer
};

std::string Serialize(const Introduction& introduction);

// Errors: FAILED_PRECONDITION when node `from` runs another build or counts another number of
// nodes, INVALID_ARGUMENT when its mailbox has not the same slots.
absl::StatusOr<Introduction> Parse(NodeId from, const std::string& bytes, uint32_t nodes,
                                   uint32_t slots);

// `status` with the node it is of.
absl::Status At(NodeId node, const absl::Status& status);

// Collective: exchanges bytes, or errors in their place. Returns all nodes' bytes; the error of the
// first node that has one, on all nodes; or the rendezvous's own.
absl::StatusOr<std::vector<std::string>> Exchange(Rendezvous& rendezvous, std::string_view key,
                                                  const absl::StatusOr<std::string>& mine,
                                                  absl::Time deadline);

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_INTRODUCTION_H_
