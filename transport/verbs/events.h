// Sleeping until the device has something for this node.
//
// A completion queue makes its channel readable once after it has been armed, at the next entry.
// Whoever arms looks at the queue afterwards, for an entry that came before makes no event.
//
// The agent that sleeps here keeps the receive queue armed, except while another thread polls: that
// thread sees messages itself, and the last one to stop polling arms the queue for the agent. The
// queue of sends is armed by either while completions are expected.
#ifndef FARPAGE_TRANSPORT_VERBS_EVENTS_H_
#define FARPAGE_TRANSPORT_VERBS_EVENTS_H_

#include <infiniband/verbs.h>

#include <atomic>
#include <cstdint>

#include "transport/transport.h"
#include "transport/verbs/completions.h"
#include "transport/verbs/inboxes.h"
#include "transport/verbs/peers.h"
#include "transport/verbs/wakeups.h"

namespace farpage::transport::verbs {

class Events {
 public:
  // `channel` is that of both queues and does not block. All arguments outlive this.
  Events(ibv_comp_channel* channel, ibv_cq* sends, ibv_cq* receives, Completions* completions,
         Inboxes* inboxes, Peers* peers, Wakeups* wakeups);
  ~Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // As Transport.
  void BeginPolling() { pollers_.fetch_add(1, std::memory_order_seq_cst); }
  bool EndPolling();
  bool WaitForEvents(int64_t deadline_ns);
  void Interrupt();
  Fate WaitForWord(const std::atomic<uint64_t>* word, uint64_t value, int64_t deadline_ns);

 private:
  // Sleepers that wait for a word look at it at least this often: while the agent sleeps and so
  // notices word changes, and while nobody does.
  static constexpr int64_t kGuardedNapNs = 20'000'000;
  static constexpr int64_t kNapNs = 1'000'000;

  void ArmReceives();
  void TakeEvents();
  bool SomethingHappened();

  ibv_comp_channel* const channel_;
  ibv_cq* const sends_;
  ibv_cq* const receives_;
  Completions* const completions_;
  Inboxes* const inboxes_;
  Peers* const peers_;
  Wakeups* const wakeups_;

  std::atomic<int32_t> pollers_{0};
  std::atomic<bool> agent_asleep_{false};
  std::atomic<bool> receives_armed_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<uint32_t> interrupts_{0};

  // Of the agent.
  int channel_fd_;  // -1: the device is gone
  uint32_t failures_seen_ = 0;
  uint32_t send_events_ = 0;  // taken, to be acknowledged at the end
  uint32_t receive_events_ = 0;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_EVENTS_H_
