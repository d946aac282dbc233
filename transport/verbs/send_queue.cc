#include "transport/verbs/send_queue.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "transport/verbs/completions.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

bool IsAtomic(OpCode code) {
  return code == OpCode::kCompareAndSwap || code == OpCode::kFetchAndAdd;
}

bool Aligned(uint64_t address) { return address % sizeof(uint64_t) == 0; }

// What a device would answer by breaking the connection, as far as it can be seen from here.
bool WellFormed(const Operation& operation) {
  if (IsAtomic(operation.code)) {
    return Aligned(operation.remote.address) &&
           Aligned(reinterpret_cast<uint64_t>(operation.local));
  }
  if (operation.code == OpCode::kWriteWithImmediate) {
    return operation.length == sizeof(uint64_t) && Aligned(operation.remote.address);
  }
  return operation.local != nullptr || operation.length == 0 ||
         (operation.code == OpCode::kWrite && operation.length == sizeof(uint64_t));
}

// The small data of a chain, copied before any lock is taken: reading them may fault, and the
// handler of the fault may post to the same peer.
class SmallCopies {
 public:
  // The data of `operation` if they are not left for the device to fetch, else nullptr.
  const void* Take(size_t index, const Operation& operation, uint32_t inline_bytes) {
    const bool write =
        operation.code == OpCode::kWrite || operation.code == OpCode::kWriteWithImmediate;
    if (!write) return nullptr;
    if (operation.local == nullptr) return &operation.operand;
    if (operation.length > inline_bytes) return nullptr;
    std::memcpy(lines_[index], operation.local, operation.length);
    return lines_[index];
  }

 private:
  std::byte lines_[WorkRequests::kCapacity][kLineBytes];  // not cleared: only what is taken is used
};

}  // namespace

SendQueue::SendQueue(NodeId peer, ibv_qp* pair, const SendLimits& limits, const SmallData& small,
                     const Outbox& outbox, Peers* peers, Completions* completions)
    : peer_(peer),
      pair_(pair),
      limits_(limits),
      outbox_(outbox),
      peers_(peers),
      completions_(completions),
      requests_(small),
      records_(std::make_unique<Record[]>(limits.depth)) {}

Fate SendQueue::Post(std::span<const Operation> chain, Completion* completion) {
  if (chain.empty() || chain.size() > WorkRequests::kCapacity ||
      !std::all_of(chain.begin(), chain.end(), WellFormed)) {
    return Fate::kBadAddress;
  }
  SmallCopies copies;
  std::array<const void*, WorkRequests::kCapacity> small;
  for (size_t i = 0; i < chain.size(); ++i) {
    small[i] = copies.Take(i, chain[i], limits_.inline_bytes);
  }
  if (completion != nullptr && !completions_->Expect()) return Fate::kNoCredit;
  const Fate fate = PostCopied(chain, small.data(), completion);
  if (fate == Fate::kPeerFailed && completion != nullptr) completions_->ExpectNoMore();
  return fate;
}

Fate SendQueue::PostCopied(std::span<const Operation> chain, const void* const* small,
                           Completion* completion) {
  const Hold hold(lock_);
  if (!peers_->up(peer_)) return Fate::kPeerFailed;
  const uint64_t number = ++chains_;
  bool after_read = false;
  for (size_t i = 0; i < chain.size(); ++i) {
    const bool read = chain[i].code == OpCode::kRead;
    // A device may repeat a read later, and then sees what was written since.
    if (!AddOperation(chain[i], small[i], number, after_read && !read)) return Fate::kPeerFailed;
    after_read |= read;
  }
  const Fate fate = Flush(completion, completion != nullptr);
  if (fate == Fate::kPeerFailed) AwaitEnds();
  return fate;
}

bool SendQueue::AddOperation(const Operation& operation, const void* small, uint64_t chain,
                             bool fence) {
  uint32_t from = 0;
  do {
    if ((requests_.full() || !HasRoom(kReserve)) && !MakeRoom()) return false;
    const uint32_t bytes = std::min(operation.length - from, limits_.max_message_bytes);
    const uint64_t id = next_id();
    Note(chain);
    if (operation.code == OpCode::kWriteWithImmediate) {
      // Without a credit the peer has wake-ups enough to come, and looks again when they are used
      // up (see Inboxes).
      const Credits returned = Credits::FromWord(outbox_.returned->load(std::memory_order_acquire));
      if (immediates_sent_ - returned.immediates < outbox_.slot_count) {
        ++immediates_sent_;
        requests_.AddWithImmediate(operation, small, id, fence);
        return true;
      }
    }
    requests_.Add(operation, small, from, bytes, id, fence);
    if (IsAtomic(operation.code)) return true;
    from += bytes;
  } while (from < operation.length);
  return true;
}

Fate SendQueue::Send(const Message& message) {
  const Message copy = message;  // as in Post()
  const Hold hold(lock_);
  if (!peers_->up(peer_)) return Fate::kPeerFailed;
  if (!HasRoom(kReserve)) {
    lock_.unlock();
    completions_->Reap();
    lock_.lock();
  }
  const Credits returned = Credits::FromWord(outbox_.returned->load(std::memory_order_acquire));
  if (!HasRoom(kReserve) || messages_sent_ - returned.messages >= outbox_.slot_count) {
    return Fate::kNoCredit;
  }
  const uint32_t slot = messages_sent_++ & (outbox_.slot_count - 1);
  const uint64_t id = next_id();
  Note(++chains_);
  requests_.AddMessage(copy, outbox_.slots + kLineBytes * slot, id);
  return Flush(nullptr, false);
}

bool SendQueue::ReturnCredits(const std::atomic<uint32_t>& messages,
                              const std::atomic<uint32_t>& immediates) {
  if (!lock_.try_lock()) return false;
  const bool done = ReturnCreditsLocked(messages, immediates);
  lock_.unlock();
  return done;
}

bool SendQueue::ReturnCreditsLocked(const std::atomic<uint32_t>& messages,
                                    const std::atomic<uint32_t>& immediates) {
  if (!peers_->up(peer_)) return true;
  if (!HasRoom(0)) return false;
  // Loaded under the lock, so that an older value never overwrites a newer one.
  const uint64_t word =
      Credits{messages.load(std::memory_order_acquire), immediates.load(std::memory_order_acquire)}
          .ToWord();
  const uint64_t id = next_id();
  Note(++chains_);
  requests_.AddWrite(&word, sizeof word, outbox_.credits, id);
  Flush(nullptr, false);
  return true;
}

void SendQueue::PostMarker() {
  const Hold hold(lock_);
  if (!peers_->up(peer_) || unsignalled_ == 0 || !HasRoom(0)) return;
  const uint64_t id = next_id();
  Note(++chains_);
  requests_.Add(Operation::Write(nullptr, {}, outbox_.credits, 0), nullptr, 0, 0, id, false);
  Flush(nullptr, true);
}

bool SendQueue::Idle() {
  const Hold hold(lock_);
  return ended_.load(std::memory_order_acquire) == posted_;
}

bool SendQueue::MakeRoom() {
  if (requests_.count() != 0) Flush(nullptr, false);
  for (int turn = 0; peers_->up(peer_); ++turn) {
    if (HasRoom(kReserve)) return true;
    AwaitFabric(turn);
  }
  AwaitEnds();
  return false;
}

void SendQueue::AwaitEnds() {
  const uint64_t posted = posted_;
  for (int turn = 0; ended_.load(std::memory_order_acquire) < posted; ++turn) AwaitFabric(turn);
}

void SendQueue::AwaitFabric(int turn) {
  lock_.unlock();
  if (!completions_->Reap()) turn < 1000 ? Pause() : static_cast<void>(::sched_yield());
  lock_.lock();
}

void SendQueue::Note(uint64_t chain) {
  Record& noted = record(next_number());
  noted.chain.store(chain, std::memory_order_relaxed);
  noted.completion.store(nullptr, std::memory_order_relaxed);
}

Fate SendQueue::Flush(Completion* completion, bool signal) {
  const uint32_t count = requests_.count();
  record(posted_ + count - 1).completion.store(completion, std::memory_order_release);
  unsignalled_ += count;
  if (signal || unsignalled_ >= limits_.depth / 4) {
    signal = true;
    unsignalled_ = 0;
  }
  int error = 0;
  const uint32_t taken = requests_.Post(pair_, signal, &error);
  posted_ += taken;
  if (taken == count) return completion != nullptr ? Fate::kPending : Fate::kOk;
  peers_->Fail(peer_, PeerState::kRefused, static_cast<uint32_t>(error));
  return Fate::kPeerFailed;
}

Completion* SendQueue::TakeCompletion(uint64_t number, Fate fate) {
  Record& ended = record(number);
  Completion* const completion = ended.completion.load(std::memory_order_acquire);
  if (completion == nullptr) return nullptr;
  const bool bad = fate != Fate::kOk && bad_chain_ != 0 &&
                   ended.chain.load(std::memory_order_relaxed) == bad_chain_;
  completion->fate = bad ? bad_fate_ : fate;
  if (!bad || judgement_ != Judgement::kAwaited) return completion;
  suspect_ = completion;
  return nullptr;
}

Completion* SendQueue::Judge(bool died) {
  judgement_ = Judgement::kGiven;
  died_ = died;
  if (died) bad_fate_ = Fate::kPeerFailed;
  Completion* const completion = suspect_;
  suspect_ = nullptr;
  if (completion != nullptr) completion->fate = bad_fate_;
  return completion;
}

Completion* SendQueue::End(const ibv_wc& result) {
  if (abandoned_) return nullptr;
  const uint64_t ended = ended_.load(std::memory_order_relaxed);
  const uint64_t number = ended + ((result.wr_id - ended) & kNumberMask);
  if (result.status != IBV_WC_SUCCESS) {
    // The first error is the cause; what comes after it is flushed.
    if (result.status != IBV_WC_WR_FLUSH_ERR && bad_chain_ == 0) {
      bad_chain_ = record(number).chain.load(std::memory_order_relaxed);
      bad_fate_ = died_ ? Fate::kPeerFailed : FateOf(result.status);
      if (judgement_ == Judgement::kNotNeeded && RefusedByPeer(result.status)) {
        judgement_ = Judgement::kAwaited;
      }
    }
    peers_->Fail(peer_, PeerState::kBroken, result.status);
  }
  Completion* const completion =
      TakeCompletion(number, result.status == IBV_WC_SUCCESS ? Fate::kOk : Fate::kPeerFailed);
  ended_.store(number + 1, std::memory_order_release);
  return completion;
}

}  // namespace farpage::transport::verbs
