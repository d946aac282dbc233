// What this node knows of the others: where their segments are mapped, and whether they live.
#ifndef FARPAGE_TRANSPORT_SHM_PEERS_H_
#define FARPAGE_TRANSPORT_SHM_PEERS_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/lock.h"
#include "transport/rendezvous.h"
#include "transport/shm/layout.h"
#include "transport/shm/mailbox.h"
#include "transport/shm/own_segment.h"
#include "transport/shm/peer_watch.h"

namespace farpage::transport::shm {

enum class PeerState : uint8_t {
  kUp,
  kDied,          // its process has ended
  kLeft,          // it has closed its transport
  kBadOperation,  // an operation without a completion named bad memory
  kDamaged,       // its mailbox holds what nobody can have written
  kMarked,        // the caller said so
};

// One node as seen from here.
struct Peer {
  Segment segment;  // first: all that the fast path needs shares a line
  std::atomic<PeerState> state{PeerState::kUp};
  OwnedFd doorbell;
  Mapping mapping;  // empty for this node itself
  Outbox outbox;

  bool up() const { return state.load(std::memory_order_acquire) == PeerState::kUp; }
};

// Adds one to an eventfd. Signal-safe; never blocks.
void Ring(const OwnedFd& doorbell);

// The peers' states. Thread-safe; signal-safe unless it says otherwise.
class Peers {
 public:
  Peers(NodeId self, std::unique_ptr<Peer[]> peers, uint32_t count,
        std::unique_ptr<PeerWatch> watch, int64_t look_interval_ns);
  // Tells the others that this node has left: its process may live on.
  ~Peers();

  Peer& operator[](NodeId id) { return peers_[id.value()]; }
  const Peer& operator[](NodeId id) const { return peers_[id.value()]; }
  Peer& self() { return peers_[self_.value()]; }
  uint32_t count() const { return count_; }
  int64_t look_interval_ns() const { return look_interval_ns_; }
  int watch_fd() const { return watch_->fd(); }

  // How many have failed. Changes when a state does.
  uint32_t failures() const { return failures_.load(std::memory_order_seq_cst); }

  // Records the first failure of a peer and wakes this node's sleepers.
  void Fail(NodeId peer, PeerState why);

  // Records who has ended since. One or two system calls.
  void Look();
  // The same, at most once in look_interval_ns() over all threads.
  void LookSometimes();

  // Wakes the threads of this node that sleep in WaitForWord().
  void WakeWords();

  // Not signal-safe.
  void Mark(NodeId peer, std::string_view reason);
  std::string reason(NodeId peer) const;

 private:
  const NodeId self_;
  const std::unique_ptr<Peer[]> peers_;
  const uint32_t count_;
  const std::unique_ptr<PeerWatch> watch_;
  const int64_t look_interval_ns_;
  std::atomic<uint32_t> failures_{0};
  std::atomic<int64_t> next_look_ns_{0};

  mutable ThreadMutex mutex_;
  std::vector<std::string> marks_ ABSL_GUARDED_BY(mutex_);  // reasons given to Mark()
};

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_PEERS_H_
