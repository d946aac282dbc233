// The simulated fabric: all nodes' registered memory, and what is on its way between them.
#ifndef FARPAGE_TRANSPORT_SIM_NETWORK_H_
#define FARPAGE_TRANSPORT_SIM_NETWORK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "transport/sim/fault_plan.h"
#include "transport/sim/latency.h"
#include "transport/sim/random.h"
#include "transport/sim/registrations.h"
#include "transport/sim/scheduler.h"
#include "transport/sim/trace.h"
#include "transport/transport.h"

namespace farpage::transport::sim {

class QueuePair;

// Bytes `begin` … `end` − 1 of an operation.
struct Piece {
  uint32_t begin;
  uint32_t end;
};
// No more than fit in: who dies with them on its stack leaves nothing behind.
using Pieces = absl::InlinedVector<Piece, 4>;

struct NetworkOptions {
  Latency latency;
  FaultPlan faults;
  uint32_t max_chain = 128;
  uint32_t mailbox_slots = 256;
  // As transport/shm: all memory is mapped by all, and chains are executed by who posts them.
  bool direct = false;
};

// What the network knows of one node.
struct Port {
  Registrations memory;
  std::deque<Completion*> ended;           // for Poll()
  std::deque<ReceivedMessage> mailbox;     // for Receive()
  std::vector<const void*> watched_words;  // waited for in WaitForWord()
  uint32_t pollers = 0;
  bool asleep = false;  // who is in WaitForEvents()
  bool armed = false;   // the next completion or message makes an event
  bool interrupted = false;
  bool peers_changed = false;
  int64_t sends_until_ns = 0;     // the NIC's sending side is busy until then
  int64_t responds_until_ns = 0;  // and its responding side
  std::vector<bool> failed;       // by peer
  std::vector<std::string> reasons;
  std::vector<std::unique_ptr<QueuePair>> pairs;  // by peer; made when first used

  bool pending() const { return !ended.empty() || !mailbox.empty(); }
};

// Used by the scheduler's thread only. Outlives all transports.
class Network final : public EventHandler {
 public:
  // The group of a node's threads in the scheduler is its id.
  Network(Scheduler& scheduler, uint32_t nodes, NetworkOptions options, uint64_t seed,
          Trace& trace);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // A node's connection to all others. Once per node.
  std::unique_ptr<Transport> Connect(NodeId node);

  // Faults of the plan come at their times from now on (which is when the plan's clock starts).
  void StartFaults();
  // `node` dies now, as FaultPlan says. If the caller is one of its threads, this does not return.
  void Kill(NodeId node) { scheduler_.Kill(node.value()); }
  // Called when a node dies, before anything else happens.
  void set_on_death(std::function<void(NodeId)> on_death) { on_death_ = std::move(on_death); }
  bool alive(NodeId node) const { return scheduler_.alive(node.value()); }
  // How many nodes have died.
  uint32_t deaths() const { return deaths_; }

  uint32_t size() const { return static_cast<uint32_t>(ports_.size()); }
  const NetworkOptions& options() const { return options_; }
  Scheduler& scheduler() { return scheduler_; }
  Random& random() { return random_; }
  Trace& trace() { return trace_; }
  Port& port(NodeId node) { return ports_[node.value()]; }
  QueuePair& pair(NodeId from, NodeId to);

  // --- For transports and queue pairs
  // --------------------------------------------------------------

  void Record(TraceKind kind, NodeId node, NodeId other, uint64_t subject, uint64_t detail);
  // Some of `node`'s threads have something to look at.
  void Notify(NodeId node);
  // In what pieces an operation happens, the first one last. At least one.
  void Tear(const Operation& op, Pieces& pieces);
  // Executes one piece of an operation of `from` at `to`.
  Fate Execute(NodeId from, NodeId to, const Operation& op, Piece piece);
  // `node` is told that `peer` has failed.
  void Fail(NodeId node, NodeId peer, std::string reason);
  // The same to the other side, after a while.
  void BreakConnection(NodeId node, NodeId peer, std::string reason);
  // How long anything takes from one to the other.
  int64_t WireNs(NodeId from, NodeId to) const;
  // How much later than usual something comes.
  int64_t Lateness();
  // When what wants to pass from one to the other at `when_ns` may do so.
  int64_t AfterOutages(NodeId from, NodeId to, int64_t when_ns) const;
  int64_t WhenReady(NodeId to, int64_t when_ns) const;
  bool HasCredit(NodeId from, NodeId to);

  void OnEvent(uint64_t tag) override;

 private:
  enum class Happening : uint8_t { kStop, kDeath, kDrained, kTold, kLoserEnds };
  void At(int64_t when_ns, Happening happening, uint32_t first, uint32_t second = 0);
  void OnDeath(uint32_t node);

  Scheduler& scheduler_;
  const NetworkOptions options_;
  Random random_;
  Trace& trace_;
  std::vector<Port> ports_;
  int64_t faults_from_ns_ = INT64_MAX;
  uint32_t deaths_ = 0;
  std::function<void(NodeId)> on_death_;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_NETWORK_H_
