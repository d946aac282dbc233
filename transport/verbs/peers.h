// Whether the peers live, and why not.
#ifndef FARPAGE_TRANSPORT_VERBS_PEERS_H_
#define FARPAGE_TRANSPORT_VERBS_PEERS_H_

#include <infiniband/verbs.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/lock.h"
#include "transport/types.h"
#include "transport/verbs/wakeups.h"

namespace farpage::transport::verbs {

enum class PeerState : uint8_t {
  kUp,
  kDied,     // its process has ended
  kLost,     // its host does not answer
  kLeft,     // it has closed its transport
  kGaveUp,   // it counts this node as failed
  kBroken,   // a work request failed: the detail is the ibv_wc_status
  kRefused,  // the device took no work request: the detail is the error number
  kDevice,   // this node's device or queue failed: the detail is the ibv_event_type
  kMarked,   // the caller said so
};

// Any thread; signal-safe unless it says otherwise.
class Peers {
 public:
  Peers(uint32_t count, Wakeups* wakeups);

  uint32_t count() const { return count_; }
  bool up(NodeId id) const { return states_[id.value()].load(std::memory_order_acquire) == 0; }
  PeerState state(NodeId id) const {
    return StateOf(states_[id.value()].load(std::memory_order_acquire));
  }
  // How many have failed. Changes when a state does.
  uint32_t failures() const { return failures_.load(std::memory_order_seq_cst); }

  // Records the first failure of a peer and wakes all sleepers of this node. What the lifeline
  // tells explains a connection that broke just before, and replaces that reason.
  void Fail(NodeId id, PeerState why, uint32_t detail = 0);

  // Whether the port is known to be down, which explains failures.
  void set_port_down(bool down) { port_down_.store(down, std::memory_order_relaxed); }

  // Not signal-safe.
  void Mark(NodeId id, std::string_view reason);
  std::string reason(NodeId id) const;

 private:
  // State in the upper half, detail in the lower. All zero: up.
  using Entry = std::atomic<uint64_t>;
  static PeerState StateOf(uint64_t entry) { return static_cast<PeerState>(entry >> 32); }
  static_assert(static_cast<int>(PeerState::kUp) == 0);

  const uint32_t count_;
  Wakeups* const wakeups_;
  const std::unique_ptr<Entry[]> states_;
  std::atomic<uint32_t> failures_{0};
  std::atomic<bool> port_down_{false};

  mutable ThreadMutex mutex_;
  std::vector<std::string> marks_ ABSL_GUARDED_BY(mutex_);  // reasons given to Mark()
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_PEERS_H_
