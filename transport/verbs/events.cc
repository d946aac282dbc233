#include "transport/verbs/events.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace farpage::transport::verbs {
namespace {

timespec Span(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  return {ns / kSecond, ns % kSecond};
}

}  // namespace

Events::Events(ibv_comp_channel* channel, ibv_cq* sends, ibv_cq* receives, Completions* completions,
               Inboxes* inboxes, Peers* peers, Wakeups* wakeups)
    : channel_(channel),
      sends_(sends),
      receives_(receives),
      completions_(completions),
      inboxes_(inboxes),
      peers_(peers),
      wakeups_(wakeups),
      channel_fd_(channel->fd) {}

Events::~Events() {
  // Destroying a queue waits for this.
  ibv_ack_cq_events(sends_, send_events_);
  ibv_ack_cq_events(receives_, receive_events_);
}

void Events::ArmReceives() {
  if (!receives_armed_.exchange(true, std::memory_order_seq_cst)) ibv_req_notify_cq(receives_, 0);
}

bool Events::EndPolling() {
  if (pollers_.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
      agent_asleep_.load(std::memory_order_seq_cst)) {
    ArmReceives();
    // The agent went to sleep before these chains were posted, and now nobody polls for them.
    if (completions_->expected() != 0) ibv_req_notify_cq(sends_, 0);
  }
  inboxes_->Drain();
  if (completions_->expected() != 0) completions_->Reap();
  return inboxes_->HasMessages() || completions_->ready();
}

// Only the agent takes events.
void Events::TakeEvents() {
  ibv_cq* queue = nullptr;
  void* context = nullptr;
  while (ibv_get_cq_event(channel_, &queue, &context) == 0) {
    ++(queue == sends_ ? send_events_ : receive_events_);
    if (queue == receives_) receives_armed_.store(false, std::memory_order_seq_cst);
  }
}

bool Events::SomethingHappened() {
  if (interrupted_.exchange(false, std::memory_order_acq_rel)) return true;
  inboxes_->Drain();
  if (completions_->expected() != 0) completions_->Reap();
  const uint32_t failures = peers_->failures();
  const bool failed = failures != failures_seen_;
  failures_seen_ = failures;
  return failed || inboxes_->HasMessages() || completions_->ready();
}

bool Events::WaitForEvents(int64_t deadline_ns) {
  for (;;) {
    agent_asleep_.store(true, std::memory_order_seq_cst);
    if (pollers_.load(std::memory_order_seq_cst) == 0) {
      ArmReceives();
      // Whoever has posted a chain and does not poll for its completion relies on us.
      if (completions_->expected() != 0) ibv_req_notify_cq(sends_, 0);
    }
    const bool happened = SomethingHappened();
    const int64_t left = deadline_ns - NowNs();
    if (!happened && left > 0) {
      const timespec limit = Span(left);
      pollfd sources[] = {{channel_fd_, POLLIN, 0}, {wakeups_->agent_fd(), POLLIN, 0}};
      ::ppoll(sources, 2, &limit, nullptr);
      // The device is gone: its descriptor would be ready for ever.
      if ((sources[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) channel_fd_ = -1;
      if ((sources[1].revents & POLLIN) != 0) Wakeups::Silence(wakeups_->agent_fd());
    }
    agent_asleep_.store(false, std::memory_order_seq_cst);
    TakeEvents();
    if (happened) return true;
    if (left <= 0) return false;
  }
}

void Events::Interrupt() {
  interrupted_.store(true, std::memory_order_release);
  interrupts_.fetch_add(1, std::memory_order_acq_rel);
  wakeups_->WakeAgent();
  wakeups_->WakeWords();
}

Fate Events::WaitForWord(const std::atomic<uint64_t>* word, uint64_t value, int64_t deadline_ns) {
  const uint32_t interrupts = interrupts_.load(std::memory_order_acquire);
  const uint32_t failures = peers_->failures();
  for (;;) {
    const uint32_t changes = wakeups_->word_changes();
    inboxes_->Drain();
    if (word->load(std::memory_order_acquire) != value) return Fate::kOk;
    if (interrupts_.load(std::memory_order_acquire) != interrupts ||
        peers_->failures() != failures) {
      return Fate::kOk;
    }
    const int64_t left = deadline_ns - NowNs();
    if (left <= 0) return Fate::kTimedOut;
    const bool guarded = agent_asleep_.load(std::memory_order_relaxed);
    wakeups_->SleepForWords(changes, std::min(left, guarded ? kGuardedNapNs : kNapNs));
  }
}

}  // namespace farpage::transport::verbs
