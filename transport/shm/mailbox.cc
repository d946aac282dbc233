#include "transport/shm/mailbox.h"

#include <algorithm>
#include <bit>

namespace farpage::transport::shm {
namespace {

// Messages taken from one sender before the next has its turn.
constexpr size_t kBurst = 8;

// Where message number `n` goes, and the slot's turn when it is free for it.
size_t SlotOf(uint64_t n, uint32_t slots) { return static_cast<size_t>(n & (slots - 1)); }
uint64_t FreeTurn(uint64_t n, uint32_t slots) { return n / slots * 2; }

void SetBit(NodeBits& bits, uint32_t node) {
  std::atomic<uint64_t>& word = bits[node / 64];
  const uint64_t bit = uint64_t{1} << (node % 64);
  // Most often it is set already, and the line need not be fetched for writing.
  if ((word.load(std::memory_order_seq_cst) & bit) == 0) {
    word.fetch_or(bit, std::memory_order_seq_cst);
  }
}

}  // namespace

Fate Outbox::Push(const Segment& receiver, NodeId self, uint32_t slots, const Message& message) {
  // Reading the caller's message may fault and run a handler that sends, so it comes first.
  const Message copy = message;
  MailboxSlot* const ring = receiver.ring(self.value(), slots);
  uint64_t number = next_.load(std::memory_order_relaxed);
  while (true) {
    MailboxSlot& slot = ring[SlotOf(number, slots)];
    const uint64_t free = FreeTurn(number, slots);
    const uint64_t turn = slot.turn.load(std::memory_order_acquire);
    if (turn < free) return Fate::kNoCredit;
    if (turn > free) {
      const uint64_t now = next_.load(std::memory_order_relaxed);
      if (now == number) return Fate::kBadAddress;  // nobody was faster: no sender wrote this
      number = now;
    } else if (next_.compare_exchange_weak(number, number + 1, std::memory_order_relaxed)) {
      slot.message = copy;
      slot.turn.store(free + 1, std::memory_order_seq_cst);
      SetBit(receiver.header().mail, self.value());
      return Fate::kOk;
    }
  }
}

Inbox::Inbox(const Segment& own, uint32_t nodes, uint32_t slots)
    : own_(own), nodes_(nodes), slots_(slots), taken_(new uint64_t[nodes]()) {}

bool Inbox::Full(uint32_t sender) const {
  const uint64_t number = taken_[sender];
  const MailboxSlot& slot = own_.ring(sender, slots_)[SlotOf(number, slots_)];
  return slot.turn.load(std::memory_order_seq_cst) == FreeTurn(number, slots_) + 1;
}

size_t Inbox::Drain(uint32_t sender, std::span<ReceivedMessage> out) {
  size_t count = 0;
  while (count < out.size() && Full(sender)) {
    const uint64_t number = taken_[sender]++;
    MailboxSlot& slot = own_.ring(sender, slots_)[SlotOf(number, slots_)];
    out[count].from = NodeId(sender);
    out[count].message = slot.message;
    slot.turn.store(FreeTurn(number, slots_) + 2, std::memory_order_release);
    ++count;
  }
  return count;
}

size_t Inbox::Sweep(uint32_t word, uint64_t mask, std::span<ReceivedMessage> out, bool* more) {
  std::atomic<uint64_t>& mail = own_.header().mail[word];
  if ((mail.load(std::memory_order_relaxed) & mask) == 0) return 0;
  // Cleared before the rings are read: a bit set from now on is for the next sweep.
  uint64_t bits = mail.fetch_and(~mask, std::memory_order_seq_cst) & mask;
  uint64_t left = 0;
  size_t count = 0;
  while (bits != 0 && count < out.size()) {
    const auto at = static_cast<uint32_t>(std::countr_zero(bits));
    const uint64_t bit = bits & (0 - bits);
    const uint32_t sender = word * 64 + at;
    bits &= ~bit;
    if (sender >= nodes_) continue;  // senders write these bits
    count += Drain(sender, out.subspan(count, std::min(kBurst, out.size() - count)));
    if (Full(sender)) left |= bit;
    turn_ = sender + 1 == nodes_ ? 0 : sender + 1;
  }
  left |= bits;
  if (left != 0) {
    mail.fetch_or(left, std::memory_order_seq_cst);
    *more = true;
  }
  return count;
}

size_t Inbox::Receive(std::span<ReceivedMessage> out, bool* more) {
  const uint32_t words = (nodes_ + 63) / 64;
  size_t count = 0;
  do {
    *more = false;
    // The first word comes twice: the senders from turn_ on, and at the end those before it.
    const uint32_t first = turn_ / 64;
    const uint64_t from_turn = ~uint64_t{0} << (turn_ % 64);
    for (uint32_t step = 0; step <= words && count < out.size(); ++step) {
      const uint32_t word = (first + step) % words;
      const uint64_t mask = step == 0 ? from_turn : step == words ? ~from_turn : ~uint64_t{0};
      count += Sweep(word, mask, out.subspan(count), more);
    }
  } while (*more && count < out.size());
  return count;
}

bool HasMail(const SegmentHeader& header, uint32_t nodes) {
  for (uint32_t i = 0; i < (nodes + 63) / 64; ++i) {
    if (header.mail[i].load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

bool TakeBell(SegmentHeader& header) {
  return header.pollers.load(std::memory_order_seq_cst) == 0 &&
         header.asleep.load(std::memory_order_seq_cst) != 0 &&
         header.asleep.exchange(0, std::memory_order_seq_cst) != 0;
}

}  // namespace farpage::transport::shm
