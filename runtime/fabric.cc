#include "runtime/fabric.h"

#include <algorithm>
#include <array>

#include "runtime/futex.h"

namespace farpage::internal {

using transport::Fate;

namespace {

constexpr int64_t kMailboxPatienceNs = 5'000'000'000;
constexpr int64_t kSleepSliceNs = 100'000'000;  // how often a sleeper looks for failed peers

// A chain whose poster waits on the spot.
struct WaitedChain : PostedChain {
  static constexpr uint32_t kInFlight = 0;
  static constexpr uint32_t kSlept = 1;  // in flight, and the poster sleeps
  static constexpr uint32_t kEnded = 2;
  std::atomic<uint32_t> state{kInFlight};

  WaitedChain() { done = &WaitedChain::End; }

  static void End(PostedChain* chain, Fate /*fate*/) {
    auto* self = static_cast<WaitedChain*>(chain);
    // The poster may be gone once it sees kEnded; waking a stale address does no harm.
    if (self->state.exchange(kEnded) == kSlept) FutexWakeAll(&self->state);
  }

  bool ended() const { return state.load(std::memory_order_acquire) == kEnded; }

  void Sleep(int64_t deadline_ns) {
    uint32_t expected = kInFlight;
    if (state.compare_exchange_strong(expected, kSlept) || expected == kSlept) {
      FutexWait(&state, kSlept, deadline_ns);
    }
  }
};

}  // namespace

Fabric::Fabric(transport::Transport& transport, Counters& counters, const Clock& clock,
               int64_t spin_ns)
    : transport_(transport), counters_(counters), clock_(clock), spin_ns_(spin_ns) {}

Fate Fabric::Post(NodeId peer, std::span<const transport::Operation> operations,
                  PostedChain* chain) {
  return transport_.Post(peer, operations, chain);
}

Fate Fabric::Run(NodeId peer, std::span<const transport::Operation> operations,
                 int64_t deadline_ns) {
  WaitedChain chain;
  const Fate posted = Post(peer, operations, &chain);
  if (posted != Fate::kPending) return posted;

  {
    PollingScope polling(*this);
    const int64_t sleep_at = NowNs() + chain_spin_ns();
    do {
      for (int turn = 0; turn < kTurnsPerClock && !chain.ended(); ++turn) {
        if (!Progress()) SpinPause();
      }
    } while (!chain.ended() && NowNs() < sleep_at);
  }
  bool timed_out = false;
  while (!chain.ended()) {
    const int64_t now = NowNs();
    if (now >= deadline_ns && !timed_out) {
      transport_.MarkPeerFailed(peer, "a one-sided operation did not end in time");
      timed_out = true;  // and keep waiting: the transport now flushes the chain
    }
    chain.Sleep(now + kSleepSliceNs);
  }
  return timed_out ? Fate::kTimedOut : chain.fate;
}

Fate Fabric::Send(NodeId peer, const transport::Message& message) {
  Fate fate = transport_.Send(peer, message);
  if (fate == Fate::kNoCredit) {
    const int64_t give_up = NowNs() + kMailboxPatienceNs;
    SpinWait wait;
    while (fate == Fate::kNoCredit && NowNs() < give_up) {
      wait.Pause();
      fate = transport_.Send(peer, message);
    }
    if (fate == Fate::kNoCredit) {
      transport_.MarkPeerFailed(peer, "it does not empty its mailbox");
      fate = Fate::kPeerFailed;
    }
  }
  if (fate == Fate::kOk) counters_.Add(Counter::messages_sent);
  return fate;
}

bool Fabric::PollCompletions() {
  std::array<transport::Completion*, 16> ended;
  const size_t count = transport_.Poll(ended);
  for (size_t index = 0; index < count; ++index) {
    auto* chain = static_cast<PostedChain*>(ended[index]);
    chain->done(chain, chain->fate);
  }
  return count > 0;
}

bool Fabric::PollMailbox() {
  if (!receive_lock_.try_lock()) return false;
  const bool any = ReceiveLocked();
  receive_lock_.unlock();
  return any;
}

void Fabric::StopReceivingFrom(NodeId peer) {
  Hold lock(receive_lock_);
  if (silenced_[peer.value()]) return;
  while (ReceiveLocked()) {
  }
  silenced_[peer.value()] = true;
}

bool Fabric::ReceiveLocked() {
  std::array<transport::ReceivedMessage, 8> received;
  const size_t count = transport_.Receive(received);
  if (count == 0) return false;
  counters_.Add(Counter::messages_received, count);
  for (size_t index = 0; index < count; ++index) {
    if (silenced_[received[index].from.value()]) continue;
    handler_->OnMessage(received[index].from, received[index].message);
  }
  return true;
}

bool Fabric::Progress() {
  bool any = PollCompletions();
  if (handler_ == nullptr) return any;
  any |= PollMailbox();
  any |= handler_->RunTimers();
  return any;
}

Fabric::PollingScope::~PollingScope() {
  // What this thread's presence kept quiet must not be left lying: serve it, timers included.
  while (fabric_.handler_ != nullptr && fabric_.handler_->TimersPending()) fabric_.Progress();
  if (fabric_.transport_.EndPolling()) {
    while (fabric_.Progress()) {
    }
  }
}

NodeId Fabric::AnyFailedPeer() const {
  for (uint32_t peer = 0; peer < transport_.size(); ++peer) {
    if (transport_.peer_failed(NodeId(peer))) return NodeId(peer);
  }
  return NodeId::None();
}

Fate Fabric::WaitWord(const std::atomic<uint64_t>* word, uint64_t value, NodeId watched,
                      int64_t deadline_ns) {
  if (word->load(std::memory_order_acquire) != value) return Fate::kOk;
  {
    PollingScope polling(*this);
    const int64_t sleep_at = NowNs() + spin_ns_;
    do {
      for (int turn = 0; turn < kTurnsPerClock; ++turn) {
        if (word->load(std::memory_order_acquire) != value) return Fate::kOk;
        SpinPause();
      }
      Progress();
    } while (NowNs() < sleep_at);
  }
  counters_.Add(Counter::sleeps);
  for (;;) {
    if (word->load(std::memory_order_acquire) != value) return Fate::kOk;
    const bool failed = watched.valid() ? transport_.peer_failed(watched) : AnyFailedPeer().valid();
    if (failed) return Fate::kPeerFailed;
    const int64_t now = NowNs();
    if (now >= deadline_ns) return Fate::kTimedOut;
    transport_.WaitForWord(word, value, std::min(deadline_ns, now + kSleepSliceNs));
  }
}

}  // namespace farpage::internal
