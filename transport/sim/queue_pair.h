// What one node has posted to another: operations and messages, in order.
#ifndef FARPAGE_TRANSPORT_SIM_QUEUE_PAIR_H_
#define FARPAGE_TRANSPORT_SIM_QUEUE_PAIR_H_

#include <cstdint>
#include <deque>
#include <span>

#include "transport/sim/network.h"

namespace farpage::transport::sim {

// One direction of a connection. Work is executed at the peer one item after the other, each at its
// time; work of other queue pairs comes in between.
class QueuePair final : public EventHandler {
 public:
  QueuePair(Network& network, NodeId from, NodeId to) : network_(network), from_(from), to_(to) {}
  QueuePair(const QueuePair&) = delete;
  QueuePair& operator=(const QueuePair&) = delete;

  void Post(std::span<const Operation> chain, Completion* completion);
  void Send(const Message& message);

  size_t queued() const { return items_.size(); }
  // Messages that were sent and have not been received.
  uint32_t messages() const { return messages_; }
  void OnReceived() { --messages_; }

  // Nothing passes any more. What is queued stays, unanswered.
  void Cut() { cut_ = true; }
  // The first so many items are all that is left; nobody waits for them.
  void Orphan(size_t keep);
  // Drops everything, and reports the chains as failed.
  void Fail();

  void OnEvent(uint64_t tag) override;

 private:
  enum Phase : uint64_t { kArrive, kExecute, kNextPiece, kComplete, kPhases };

  struct Item {
    bool is_message = false;
    bool last = false;  // of its chain
    Operation operation;
    Message message;
    Completion* completion = nullptr;  // with the chain's last item
    int64_t arrives_ns = 0;
  };
  struct Answer {
    Completion* completion;
    Fate fate;
    int64_t when_ns;
  };

  static bool IsRead(const Item& item);
  void Append(const Item& posted, uint64_t bytes);
  void ExpectFirst();
  void Arrive();
  void Execute();
  void ExecutePiece();
  void Deliver(const Item& item);
  void EndItem(Fate fate);
  void At(int64_t when_ns, Phase phase);

  Network& network_;
  const NodeId from_;
  const NodeId to_;
  std::deque<Item> items_;
  std::deque<Answer> answers_;
  Fate chain_fate_ = Fate::kOk;  // of the chain that is being executed
  Pieces pieces_;                // of the operation that is being executed: the last is next
  uint32_t messages_ = 0;
  bool cut_ = false;
  uint64_t life_ = 0;  // events of earlier lives do not count
  int64_t last_arrival_ns_ = 0;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_QUEUE_PAIR_H_
