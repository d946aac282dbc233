#include "transport/shm/peers.h"

#include <unistd.h>

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/shm/gates.h"

namespace farpage::transport::shm {

void Ring(const OwnedFd& doorbell) {
  const uint64_t one = 1;
  // It fails only when the count is at its end, and then it is readable anyway.
  [[maybe_unused]] const ssize_t written = ::write(doorbell.get(), &one, sizeof one);
}

Peers::Peers(NodeId self, std::unique_ptr<Peer[]> peers, uint32_t count,
             std::unique_ptr<PeerWatch> watch, int64_t look_interval_ns)
    : self_(self),
      peers_(std::move(peers)),
      count_(count),
      watch_(std::move(watch)),
      look_interval_ns_(look_interval_ns),
      marks_(count) {}

Peers::~Peers() {
  const uint64_t bit = uint64_t{1} << (self_.value() % 64);
  for (uint32_t i = 0; i < count_; ++i) {
    if (NodeId(i) == self_) continue;
    NodeBits& departed = peers_[i].segment.header().departed;
    departed[self_.value() / 64].fetch_or(bit, std::memory_order_seq_cst);
    Ring(peers_[i].doorbell);
  }
}

void Peers::Fail(NodeId peer, PeerState why) {
  PeerState up = PeerState::kUp;
  if (!peers_[peer.value()].state.compare_exchange_strong(up, why)) return;
  failures_.fetch_add(1, std::memory_order_seq_cst);
  Ring(self().doorbell);
  WakeWords();
}

void Peers::WakeWords() {
  for (WordGate& gate : self().segment.header().gates) {
    if (gate.sleepers.load(std::memory_order_seq_cst) != 0) OpenGate(gate);
  }
}

void Peers::Look() {
  const NodeBits& departed = self().segment.header().departed;
  for (uint32_t word = 0; word < (count_ + 63) / 64; ++word) {
    uint64_t bits = departed[word].load(std::memory_order_acquire);
    for (; bits != 0; bits &= bits - 1) {
      const uint32_t node = word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
      if (node < count_) Fail(NodeId(node), PeerState::kLeft);  // peers write these bits
    }
  }
  for (NodeId ended = watch_->TakeEnded(); ended.valid(); ended = watch_->TakeEnded()) {
    Fail(ended, PeerState::kDied);
  }
}

void Peers::LookSometimes() {
  const int64_t now = NowNs();
  int64_t next = next_look_ns_.load(std::memory_order_relaxed);
  if (now < next) return;
  // One of the threads that are due takes it.
  if (next_look_ns_.compare_exchange_strong(next, now + look_interval_ns_)) Look();
}

void Peers::Mark(NodeId peer, std::string_view reason) {
  {
    Hold lock(mutex_);
    std::string& mark = marks_[peer.value()];
    if (mark.empty()) mark = std::string(reason);
  }
  Fail(peer, PeerState::kMarked);
}

std::string Peers::reason(NodeId peer) const {
  const std::string who = absl::StrCat("node ", peer.value());
  switch ((*this)[peer].state.load(std::memory_order_acquire)) {
    case PeerState::kUp:
      return "";
    case PeerState::kDied:
      return absl::StrCat(who, ": its process has ended");
    case PeerState::kLeft:
      return absl::StrCat(who, " has closed its transport");
    case PeerState::kBadOperation:
      return absl::StrCat(who, ": an operation named memory that is not registered there");
    case PeerState::kDamaged:
      return absl::StrCat(who, ": its mailbox is damaged");
    case PeerState::kMarked:
      break;
  }
  Hold lock(mutex_);
  return absl::StrCat(who, ": ", marks_[peer.value()]);
}

}  // namespace farpage::transport::shm
