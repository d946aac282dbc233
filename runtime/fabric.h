// The runtime's access to the transport: chains with someone to tell when they end, progress on
// whatever thread has time for it, and bounded waits.
#ifndef FARPAGE_RUNTIME_FABRIC_H_
#define FARPAGE_RUNTIME_FABRIC_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "runtime/clock.h"
#include "runtime/counters.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"
#include "transport/transport.h"

namespace farpage::internal {

// How often a spin looks for what it waits for before it looks at the clock: reading the clock can
// cost a system call, and on emulated machines keep the devices from working.
inline constexpr int kTurnsPerClock = 32;

// A chain that somebody waits for. `done` runs once, on the thread that polled the completion, with
// no lock held; it must be signal-safe and may post.
struct PostedChain : transport::Completion {
  using Done = void (*)(PostedChain* chain, transport::Fate fate);
  Done done = nullptr;
};

// Gets what comes in. Called by one thread at a time per sender order; signal-safe.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  virtual void OnMessage(NodeId from, const transport::Message& message) = 0;
  // Does what is due by now; true if it did something. Called whenever the fabric makes progress.
  virtual bool RunTimers() = 0;
  // True while RunTimers() has something that becomes due very soon (microseconds).
  virtual bool TimersPending() const = 0;
};

// Thread-safe and signal-safe, except where it says otherwise.
class Fabric {
 public:
  // `spin_ns`: how long a wait spins before it sleeps.
  Fabric(transport::Transport& transport, Counters& counters, const Clock& clock, int64_t spin_ns);

  transport::Transport& transport() { return transport_; }
  NodeId self() const { return transport_.self(); }
  uint32_t size() const { return transport_.size(); }
  Counters& counters() { return counters_; }
  int64_t NowNs() const { return clock_.NowNs(); }
  // How long a wait for a peer's processor spins, and one for the fabric alone, which always ends
  // soon: sleeping would cost more than it saves.
  int64_t spin_ns() const { return spin_ns_; }
  int64_t chain_spin_ns() const { return 25 * spin_ns_; }

  // Set before the first message can come, and never changed while threads run. Not thread-safe.
  void set_message_handler(MessageHandler* handler) { handler_ = handler; }

  // Posts a chain. kOk: it has executed, `done` will not run. kPending: `done` will run. Else it
  // failed and `done` will not run. `chain` may be null: nobody is told.
  transport::Fate Post(NodeId peer, std::span<const transport::Operation> operations,
                       PostedChain* chain);

  // Posts a chain and waits for its end, making progress meanwhile, until `deadline_ns`. A chain
  // that has not ended then still owns its buffers: the peer is declared failed, which ends it.
  transport::Fate Run(NodeId peer, std::span<const transport::Operation> operations,
                      int64_t deadline_ns);

  // Sends a message. Where the peer's mailbox is full, waits for room (bounded), then declares the
  // peer failed: mailboxes are sized so that this does not happen between correct nodes.
  transport::Fate Send(NodeId peer, const transport::Message& message);

  // Polls completions, mailboxes and timers once. True if there was anything.
  bool Progress();

  // Handles what has come from `peer`, and drops all that comes later. Waits for the thread that is
  // receiving, if any. Not within MessageHandler.
  void StopReceivingFrom(NodeId peer);

  // Waits while *word == value: spins with Progress(), then sleeps. Returns kOk when it changed,
  // kTimedOut, or kPeerFailed when `watched` (or, if none, any peer) has failed.
  transport::Fate WaitWord(const std::atomic<uint64_t>* word, uint64_t value, NodeId watched,
                           int64_t deadline_ns);

  // Marks this thread as polling for the lifetime of the object.
  class PollingScope {
   public:
    explicit PollingScope(Fabric& fabric) : fabric_(fabric) { fabric_.transport_.BeginPolling(); }
    ~PollingScope();
    PollingScope(const PollingScope&) = delete;
    PollingScope& operator=(const PollingScope&) = delete;

   private:
    Fabric& fabric_;
  };

  // A peer that has failed, or none. One load per peer, only after some failure is known.
  NodeId AnyFailedPeer() const;
  const transport::Transport& transport() const { return transport_; }

 private:
  bool PollCompletions();
  bool PollMailbox();
  bool ReceiveLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(receive_lock_);

  transport::Transport& transport_;
  Counters& counters_;
  const Clock& clock_;
  const int64_t spin_ns_;
  MessageHandler* handler_ = nullptr;
  SpinLock receive_lock_;  // one thread at a time receives, so that senders' order is kept
  std::array<bool, kMaxNodes> silenced_ ABSL_GUARDED_BY(receive_lock_){};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_FABRIC_H_
