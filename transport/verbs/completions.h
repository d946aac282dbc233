// The ends of work requests, from the completion queue that all peers share.
#ifndef FARPAGE_TRANSPORT_VERBS_COMPLETIONS_H_
#define FARPAGE_TRANSPORT_VERBS_COMPLETIONS_H_

#include <infiniband/verbs.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "transport/lock.h"
#include "transport/transport.h"
#include "transport/verbs/spin_lock.h"

namespace farpage::transport::verbs {

class SendQueue;

// Any thread; signal-safe.
class Completions {
 public:
  // Chains that may have been posted with a completion that Poll() has not returned yet.
  static constexpr uint32_t kMostExpected = 1u << 14;

  explicit Completions(ibv_cq* queue);
  // Before anything is posted. `send_queues` is indexed by peer.
  void SetQueues(std::span<const std::unique_ptr<SendQueue>> send_queues) {
    send_queues_ = send_queues;
  }

  // Counts one more completion that will come; false if there are too many.
  bool Expect();
  void ExpectNoMore() { expected_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t expected() const { return expected_.load(std::memory_order_relaxed); }

  // As Transport::Poll(). Returns nothing while another thread is at it.
  size_t Poll(std::span<Completion*> done);

  // Makes room in send queues; keeps completions for Poll(). False if nothing had ended.
  bool Reap();

  // Whether Poll() would return something without a look at the device.
  bool ready() const { return ready_count_.load(std::memory_order_acquire) != 0; }

  // SendQueue::Judge(). Not signal-safe.
  void Judge(SendQueue& send_queue, bool died);

  // Gives up all that is under way to a peer that has failed. Not signal-safe.
  void Abandon(SendQueue& send_queue);

 private:
  static constexpr int kBatch = 16;

  // Takes up to `most` (at most kBatch) results from the device and calls `ended(completion)`.
  template <typename Ended>
  int Take(int most, const Ended& ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  size_t PollLocked(std::span<Completion*> done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void Keep(Completion* completion) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  ibv_cq* const queue_;
  std::span<const std::unique_ptr<SendQueue>> send_queues_;
  std::atomic<uint32_t> expected_{0};

  SpinLock lock_;
  std::atomic<uint32_t> ready_count_{0};  // written under lock_
  uint32_t ready_first_ ABSL_GUARDED_BY(lock_) = 0;
  // A ring.
  const std::unique_ptr<std::array<Completion*, kMostExpected>> ready_ ABSL_PT_GUARDED_BY(lock_);
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_COMPLETIONS_H_
