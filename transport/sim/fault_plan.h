// What goes wrong in a simulation, as data.
//
// Everything here is something that docs/protocol.md says the protocol tolerates.
#ifndef FARPAGE_TRANSPORT_SIM_FAULT_PLAN_H_
#define FARPAGE_TRANSPORT_SIM_FAULT_PLAN_H_

#include <cstdint>
#include <vector>

#include "transport/types.h"

namespace farpage::transport::sim {

struct FaultPlan {
  // Every operation and message comes up to so much later than it would.
  int64_t jitter_ns = 0;
  // One in so many comes up to `late_ns` later, and what is behind it on its queue pair too. Queue
  // pairs overtake each other.
  uint32_t late_one_in = 0;
  int64_t late_ns = 0;
  // Transfers of more than 8 bytes happen in up to four pieces, in an order of their own, between
  // which others may come. Only words of 8 bytes stay whole.
  bool torn_transfers = false;

  // What one node posts to another always takes so much longer; what others post overtakes it.
  struct Distant {
    NodeId from;
    NodeId to;
    int64_t ns;
  };
  std::vector<Distant> distant;

  // Nothing gets through between two nodes for a while. It is sent again and comes afterwards.
  struct Outage {
    NodeId one;
    NodeId other;
    int64_t begin_ns;
    int64_t end_ns;
  };
  std::vector<Outage> outages;

  // Messages to a node are not taken for a while; they, and what is behind them on their queue
  // pairs, come afterwards.
  struct NotReady {
    NodeId node;
    int64_t begin_ns;
    int64_t end_ns;
  };
  std::vector<NotReady> not_ready;

  // A node's mailboxes are full for a while: Send() to it returns kNoCredit.
  std::vector<NotReady> no_credit;

  // All that a node's processor does takes so many times as long.
  struct Slow {
    NodeId node;
    int64_t factor;
  };
  std::vector<Slow> slow;

  // A node's processor does nothing for a while. Its NIC goes on.
  struct Stop {
    NodeId node;
    int64_t begin_ns;
    int64_t end_ns;
  };
  std::vector<Stop> stops;

  // A node dies: at a time, or when its threads have passed so many points where time can pass
  // (Scheduler::Advance), whichever comes first; 0 is never.
  struct Death {
    NodeId node;
    int64_t at_ns = 0;
    uint64_t after_advances = 0;
  };
  std::vector<Death> deaths;
  // Of what a dead node has posted to each peer, the first part is still executed, within so long.
  // Then the others are told, each within the second time.
  int64_t drain_ns = 10'000;
  int64_t told_within_ns = 100'000;

  // The connection between two nodes breaks for good. Nodes cannot go on that disagree about who is
  // in the cluster, so one of the two, `loser`, is ended before either is told.
  struct Lost {
    NodeId winner;
    NodeId loser;
    int64_t at_ns;
    int64_t end_after_ns;  // how long nothing gets through before the loser is ended
  };
  std::vector<Lost> lost;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_FAULT_PLAN_H_
