// Posting to one peer: chains, messages and credits, without ever overrunning the queue.
#ifndef FARPAGE_TRANSPORT_VERBS_SEND_QUEUE_H_
#define FARPAGE_TRANSPORT_VERBS_SEND_QUEUE_H_

#include <infiniband/verbs.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "transport/lock.h"
#include "transport/transport.h"
#include "transport/verbs/control_memory.h"
#include "transport/verbs/peers.h"
#include "transport/verbs/spin_lock.h"
#include "transport/verbs/work_requests.h"

namespace farpage::transport::verbs {

class Completions;

// Where a peer's part of the mailbox is, and what it returns.
struct Outbox {
  RemoteAddress slots;              // at the peer: messages from here
  RemoteAddress credits;            // at the peer: what this node returns to it
  std::atomic<uint64_t>* returned;  // here: Credits the peer has returned
  uint32_t slot_count = 0;          // also the credits for immediates; a power of two
};

struct SendLimits {
  uint32_t depth = 0;  // a power of two
  uint32_t max_message_bytes = 0;
  uint32_t inline_bytes = 0;  // at most kLineBytes
};

// Requests are numbered from 0. Their ids are the peer and the number; they end in order, so the
// completion of one tells that all before it have ended.
class SendQueue {
 public:
  // All arguments outlive the queue.
  SendQueue(NodeId peer, ibv_qp* pair, const SendLimits& limits, const SmallData& small,
            const Outbox& outbox, Peers* peers, Completions* completions);

  // As Transport. Signal-safe, any thread.
  Fate Post(std::span<const Operation> chain, Completion* completion);
  Fate Send(const Message& message);

  // Tells the peer how much it may send. False if there is no room now: try again later.
  // Signal-safe; never blocks.
  bool ReturnCredits(const std::atomic<uint32_t>& messages,
                     const std::atomic<uint32_t>& immediates);

  // Requests one that is signalled, so that all before it are known to have ended when it has.
  void PostMarker();
  bool Idle();  // everything posted has ended

  // --- Called by Completions, which holds its lock ---

  // A work request has ended. Returns the completion of its chain, with its fate set, if this was
  // the chain's last request and has one.
  Completion* End(const ibv_wc& result);
  // Whether the peer refused the address of a chain because its process was about to end (`died`),
  // or rightly. Returns the completion of that chain if it waits for this, with its fate set.
  Completion* Judge(bool died);
  // All requests under way are given up. Calls `ended(completion)` for their completions.
  template <typename Ended>
  void Abandon(const Ended& ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    abandoned_ = true;
    for (uint64_t n = ended_.load(std::memory_order_relaxed); n != posted_; ++n) {
      if (Completion* const completion = TakeCompletion(n, Fate::kPeerFailed)) ended(completion);
    }
    ended_.store(posted_, std::memory_order_release);
  }
  SpinLock& lock() ABSL_LOCK_RETURNED(lock_) { return lock_; }

  static NodeId PeerOf(uint64_t id) { return NodeId(static_cast<uint32_t>(id >> kNumberBits)); }

 private:
  static constexpr int kNumberBits = 48;
  static constexpr uint64_t kNumberMask = (uint64_t{1} << kNumberBits) - 1;
  // Requests kept back for returning credits, without which both sides could wait for each other.
  static constexpr uint32_t kReserve = 8;

  // What is known of a request under way.
  struct Record {
    std::atomic<Completion*> completion{nullptr};  // of the last request of a chain
    std::atomic<uint64_t> chain{0};
  };

  Record& record(uint64_t number) { return records_[number & (limits_.depth - 1)]; }
  uint64_t next_number() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return posted_ + requests_.count();
  }
  uint64_t next_id() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return uint64_t{peer_.value()} << kNumberBits | (next_number() & kNumberMask);
  }
  bool HasRoom(uint32_t reserve) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    return next_number() - ended_.load(std::memory_order_acquire) < limits_.depth - reserve;
  }
  Fate PostCopied(std::span<const Operation> chain, const void* const* small,
                  Completion* completion);
  bool ReturnCreditsLocked(const std::atomic<uint32_t>& messages,
                           const std::atomic<uint32_t>& immediates)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // False if the peer has failed; then nothing that was posted is under way any more.
  bool MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Waits until all that was posted has ended, for it may use the buffers of a chain that cannot go
  // on. That is soon: the connection is being broken.
  void AwaitEnds() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // Gives the lock away meanwhile: Send() does not wait for the fabric.
  void AwaitFabric(int turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  bool AddOperation(const Operation& operation, const void* small, uint64_t chain, bool fence)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Note(uint64_t chain) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Fate Flush(Completion* completion, bool signal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Completion* TakeCompletion(uint64_t number, Fate fate);

  const NodeId peer_;
  ibv_qp* const pair_;
  const SendLimits limits_;
  const Outbox outbox_;
  Peers* const peers_;
  Completions* const completions_;

  SpinLock lock_;
  WorkRequests requests_ ABSL_GUARDED_BY(lock_);
  uint64_t posted_ ABSL_GUARDED_BY(lock_) = 0;  // number of the next request to be posted
  uint64_t chains_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t unsignalled_ ABSL_GUARDED_BY(lock_) = 0;  // posted since the last that is signalled
  uint32_t messages_sent_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t immediates_sent_ ABSL_GUARDED_BY(lock_) = 0;

  const std::unique_ptr<Record[]> records_;  // by number modulo depth
  std::atomic<uint64_t> ended_{0};           // all requests before this number have ended

  // Of Completions.
  bool abandoned_ = false;
  uint64_t bad_chain_ = 0;  // the one that broke the connection, and its fate
  Fate bad_fate_ = Fate::kPeerFailed;
  enum class Judgement : uint8_t { kNotNeeded, kAwaited, kGiven };
  Judgement judgement_ = Judgement::kNotNeeded;  // on whether bad_fate_ stands
  bool died_ = false;                            // as it was given
  Completion* suspect_ = nullptr;                // waits for it
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_SEND_QUEUE_H_
