#include "transport/verbs/completions.h"

#include <algorithm>

#include "transport/verbs/send_queue.h"

namespace farpage::transport::verbs {

Completions::Completions(ibv_cq* queue)
    : queue_(queue), ready_(std::make_unique<std::array<Completion*, kMostExpected>>()) {}

bool Completions::Expect() {
  if (expected_.fetch_add(1, std::memory_order_relaxed) < kMostExpected) return true;
  ExpectNoMore();
  return false;
}

template <typename Ended>
int Completions::Take(int most, const Ended& ended) {
  std::array<ibv_wc, kBatch> results;
  const int count = ibv_poll_cq(queue_, std::min(most, kBatch), results.data());
  for (int i = 0; i < count; ++i) {
    const ibv_wc& result = results[static_cast<size_t>(i)];
    SendQueue& send_queue = *send_queues_[SendQueue::PeerOf(result.wr_id).value()];
    if (Completion* const completion = send_queue.End(result)) ended(completion);
  }
  return std::max(count, 0);  // negative: the device is gone, which its events report
}

// There is room: no more completions are kept than are expected.
void Completions::Keep(Completion* completion) {
  const uint32_t count = ready_count_.load(std::memory_order_relaxed);
  (*ready_)[(ready_first_ + count) % kMostExpected] = completion;
  ready_count_.store(count + 1, std::memory_order_release);
}

size_t Completions::Poll(std::span<Completion*> done) {
  if (done.empty() || !lock_.try_lock()) return 0;
  const size_t count = PollLocked(done);
  lock_.unlock();
  return count;
}

size_t Completions::PollLocked(std::span<Completion*> done) {
  size_t count = 0;
  const uint32_t ready = ready_count_.load(std::memory_order_relaxed);
  while (count < done.size() && count < ready) {
    done[count++] = (*ready_)[ready_first_++ % kMostExpected];
  }
  ready_count_.store(ready - static_cast<uint32_t>(count), std::memory_order_release);
  if (count < done.size()) {
    const auto most = static_cast<int>(std::min<size_t>(done.size() - count, kBatch));
    Take(most, [&](Completion* completion) { done[count++] = completion; });
  }
  expected_.fetch_sub(static_cast<uint32_t>(count), std::memory_order_relaxed);
  return count;
}

bool Completions::Reap() {
  if (!lock_.try_lock()) return false;
  // Lambdas are analysed apart, without the locks of their function.
  const auto keep = [this](Completion* completion)
                        ABSL_NO_THREAD_SAFETY_ANALYSIS { Keep(completion); };
  const bool any = Take(kBatch, keep) != 0;
  lock_.unlock();
  return any;
}

void Completions::Judge(SendQueue& send_queue, bool died) {
  const Hold hold(lock_);
  if (Completion* const completion = send_queue.Judge(died)) Keep(completion);
}

void Completions::Abandon(SendQueue& send_queue) {
  // In this order everywhere: a send queue's lock, then this one.
  const Hold no_posting(send_queue.lock());
  const Hold hold(lock_);
  send_queue.Abandon([this](Completion* completion)
                         ABSL_NO_THREAD_SAFETY_ANALYSIS { Keep(completion); });
}

}  // namespace farpage::transport::verbs
