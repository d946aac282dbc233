// What comes from peers without being asked for: messages, and the news that a word has changed.
//
// A peer writes a message into a slot of this node's mailbox for it, and the write's immediate
// value takes one receive request of the connection. Receive requests have no buffers. There are
// always enough of them, because a peer spends a credit for each, and gets credits back a quarter
// of the mailbox at a time.
//
// A peer without credits for word changes writes the word without an immediate value. Nobody is
// woken then, which is why sleepers look at their word now and then by themselves (Events).
#ifndef FARPAGE_TRANSPORT_VERBS_INBOXES_H_
#define FARPAGE_TRANSPORT_VERBS_INBOXES_H_

#include <infiniband/verbs.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "transport/transport.h"
#include "transport/verbs/peers.h"
#include "transport/verbs/send_queue.h"
#include "transport/verbs/spin_lock.h"
#include "transport/verbs/wakeups.h"

namespace farpage::transport::verbs {

// Signal-safe, any thread, unless a function says otherwise.
class Inboxes {
 public:
  // Receive requests that a connection needs for mailboxes of `slots`: for messages, for word
  // changes, and for those that are used but not yet posted again.
  static constexpr uint32_t ReceiveDepth(uint32_t slots) { return 2 * slots + slots / 4; }

  Inboxes(ibv_cq* queue, uint32_t slots, Peers* peers, Wakeups* wakeups);

  // Adds the next peer, whose mailbox begins at `mailbox`, and posts its receive requests. The
  // queue pair must not receive yet. Not signal-safe.
  absl::Status Add(ibv_qp* pair, const std::byte* mailbox);
  // Before anything is received. Indexed by peer.
  void SetQueues(std::span<const std::unique_ptr<SendQueue>> send_queues) {
    send_queues_ = send_queues;
  }

  // Takes what has arrived from the device. Does nothing while another thread is at it.
  void Drain();

  // As Transport::Receive(): one thread at a time.
  size_t Receive(std::span<ReceivedMessage> out);
  bool HasMessages() const {
    return arrived_.load(std::memory_order_acquire) != received_.load(std::memory_order_relaxed);
  }

  // Credits that could not be returned because the send queue was full or busy. Receive() tries
  // again, and the transport's own thread in case nobody calls that.
  bool owing() const { return owing_.load(std::memory_order_relaxed); }
  void PayCredits();

 private:
  static constexpr int kBatch = 32;

  struct Inbox {
    ibv_qp* pair = nullptr;
    const std::byte* mailbox = nullptr;
    std::atomic<uint32_t> messages{0};    // taken by Receive()
    std::atomic<uint32_t> immediates{0};  // word changes noticed
    uint32_t messages_returned = 0;       // of Receive()
    uint32_t immediates_returned = 0;     // guarded by lock_, as what follows
    uint32_t used = 0;                    // receive requests to be posted again
    std::atomic<bool> owing{false};
  };

  bool Handle(const ibv_wc& result);
  int PostReceives(NodeId peer, uint32_t count);
  bool ReturnCredits(NodeId peer);
  void ReturnCreditsOrOwe(NodeId peer);

  ibv_cq* const queue_;
  const uint32_t slots_;
  Peers* const peers_;
  Wakeups* const wakeups_;
  std::span<const std::unique_ptr<SendQueue>> send_queues_;
  const std::unique_ptr<Inbox[]> inboxes_;
  uint32_t added_ = 0;
  std::atomic<bool> owing_{false};

  // Who sent the messages that have arrived, in order: a ring. Written under lock_, read by
  // Receive(). Large enough for all mailboxes.
  const uint32_t senders_mask_;
  const std::unique_ptr<uint16_t[]> senders_;
  std::atomic<uint32_t> arrived_{0};
  std::atomic<uint32_t> received_{0};

  SpinLock lock_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_INBOXES_H_
