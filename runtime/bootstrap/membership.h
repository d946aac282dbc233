// A node's place in its cluster: the collective exchange, and who has died.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_MEMBERSHIP_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_MEMBERSHIP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "farpage/options.h"
#include "transport/rendezvous.h"

namespace farpage::bootstrap {

struct PeerDeath {
  NodeId node;         // None(): the launcher itself
  std::string reason;  // "node 2 was killed by signal 9 (Killed)"
};

// One thread may be in AllGather() while another (the agent) uses event_fd() and TakeDeaths().
// After an AllGather() has failed, all later ones fail too: the nodes no longer agree on what comes
// next.
//
// Destroying it without Leave() tells the others that this node died.
class Membership : public transport::Rendezvous {
 public:
  // Readable when TakeDeaths() has something to do; −1 if nothing can ever happen. Level-triggered.
  // It may be readable with no death to take. Never read from it.
  virtual int event_fd() const = 0;

  // Deaths not taken yet, each once, in the order they became known. Never blocks. A node that
  // said Leave() is not reported, and neither is the launcher after this node's own Leave().
  virtual std::vector<PeerDeath> TakeDeaths() = 0;

  // Says that this node goes in good order. The last call but TakeDeaths(); again does nothing.
  virtual void Leave() = 0;
};

// Joins the cluster that node.rendezvous names, or a cluster of one if that is empty. Does not wait
// for other nodes: the first AllGather() does. Errors: INVALID_ARGUMENT (rank, size, address),
// PERMISSION_DENIED (secret, or another user's launcher), ALREADY_EXISTS (the rank is taken),
// UNAVAILABLE (the launcher is gone), DEADLINE_EXCEEDED (it does not answer).
absl::StatusOr<std::unique_ptr<Membership>> JoinCluster(const NodeOptions& node,
                                                        absl::Time deadline);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_MEMBERSHIP_H_
