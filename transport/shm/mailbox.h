// Mailboxes: one bounded ring per sender in the receiver's segment. Signal-safe, no locks.
//
// A ring is a bounded queue in the way of Dmitry Vyukov's (a turn count in every slot), with the
// threads of one node as producers and the one that receives as consumer. A bitmap in the header
// says which rings may hold messages, so that looking at 1,000 empty ones costs 16 loads.
//
// No wake-up is lost, after Dekker: the sender fills the slot, then sets the bit, then looks
// whether anybody sleeps; the receiver says that it sleeps, then looks at the bits.
#ifndef FARPAGE_TRANSPORT_SHM_MAILBOX_H_
#define FARPAGE_TRANSPORT_SHM_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "transport/shm/layout.h"
#include "transport/transport.h"

namespace farpage::transport::shm {

// The sending end of one ring. Any thread of the sender.
class alignas(64) Outbox {
 public:
  // kNoCredit when the ring is full, kBadAddress when the receiver's ring is damaged. The message
  // can be received when it returns kOk, but the receiver may have to be woken.
  Fate Push(const Segment& receiver, NodeId self, uint32_t slots, const Message& message);

 private:
  std::atomic<uint64_t> next_{0};  // messages pushed so far
};

// The receiving end of all rings of a segment. One thread at a time.
class Inbox {
 public:
  Inbox(const Segment& own, uint32_t nodes, uint32_t slots);

  // Takes messages, round the senders in turn. Sets `*more` if some are left: their bits were clear
  // for a moment, so a thread that went to sleep then has to be woken.
  size_t Receive(std::span<ReceivedMessage> out, bool* more);

 private:
  bool Full(uint32_t sender) const;  // whether the slot to take next holds a message
  size_t Drain(uint32_t sender, std::span<ReceivedMessage> out);
  size_t Sweep(uint32_t word, uint64_t mask, std::span<ReceivedMessage> out, bool* more);

  const Segment own_;
  const uint32_t nodes_;
  const uint32_t slots_;
  uint32_t turn_ = 0;                  // the sender to begin with
  std::unique_ptr<uint64_t[]> taken_;  // per sender
};

// Whether messages may be waiting.
bool HasMail(const SegmentHeader& header, uint32_t nodes);

// True if the caller has to ring the bell of `header`'s owner: its thread sleeps and nobody polls.
bool TakeBell(SegmentHeader& header);

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_MAILBOX_H_
