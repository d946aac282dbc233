#include "transport/sim/queue_pair.h"

#include <algorithm>
#include <cstring>

namespace farpage::transport::sim {
namespace {

uint64_t BytesThere(const Operation& op) {
  return op.code == OpCode::kWrite || op.code == OpCode::kWriteWithImmediate ? op.length : 0;
}

uint64_t BytesBack(const Operation& op) { return op.code == OpCode::kRead ? op.length : 0; }

}  // namespace

void QueuePair::Post(std::span<const Operation> chain, Completion* completion) {
  network_.Record(kTracePost, from_, to_, chain[0].remote.address, chain.size());
  for (const Operation& operation : chain) {
    const bool last = &operation == &chain.back();
    Item item;
    item.last = last;
    item.operation = operation;
    item.completion = last ? completion : nullptr;
    Append(item, BytesThere(operation));
  }
}

void QueuePair::Send(const Message& message) {
  ++messages_;
  uint64_t head = 0;
  std::memcpy(&head, message.bytes.data(), sizeof head);
  network_.Record(kTraceSend, from_, to_, head, messages_);
  Item item;
  item.is_message = true;
  item.last = true;
  item.message = message;
  Append(item, kMessageBytes);
}

// Puts an item behind the others; when it arrives depends on what the NIC has to send before it.
void QueuePair::Append(const Item& posted, uint64_t bytes) {
  Item item = posted;
  const Latency& latency = network_.options().latency;
  Port& port = network_.port(from_);
  const int64_t now = network_.scheduler().now_ns();
  port.sends_until_ns = std::max(port.sends_until_ns, now) + latency.gap_ns +
                        static_cast<int64_t>(bytes) * latency.byte_ps / 1000;
  const int64_t wire = network_.WireNs(from_, to_);
  item.arrives_ns = std::max(last_arrival_ns_, port.sends_until_ns + wire + network_.Lateness());
  last_arrival_ns_ = item.arrives_ns;
  items_.push_back(item);
  if (items_.size() == 1) ExpectFirst();
}

void QueuePair::At(int64_t when_ns, Phase phase) {
  network_.scheduler().Schedule(when_ns, this, life_ * kPhases + phase);
}

void QueuePair::ExpectFirst() {
  if (!items_.empty()) At(items_.front().arrives_ns, kArrive);
}

void QueuePair::OnEvent(uint64_t tag) {
  if (tag / kPhases != life_) return;
  switch (static_cast<Phase>(tag % kPhases)) {
    case kArrive:
      Arrive();
      return;
    case kExecute:
      Execute();
      return;
    case kNextPiece:
      ExecutePiece();
      return;
    case kComplete: {
      const Answer answer = answers_.front();
      answers_.pop_front();
      answer.completion->fate = answer.fate;
      network_.Record(kTraceComplete, from_, to_, 0, static_cast<uint64_t>(answer.fate));
      network_.port(from_).ended.push_back(answer.completion);
      network_.Notify(from_);
      return;
    }
    case kPhases:
      return;
  }
}

bool QueuePair::IsRead(const Item& item) {
  return !item.is_message && item.operation.code == OpCode::kRead;
}

void QueuePair::Arrive() {
  const Item& item = items_.front();
  const int64_t now = network_.scheduler().now_ns();
  int64_t when = network_.AfterOutages(from_, to_, now);
  if (item.is_message) when = std::max(when, network_.WhenReady(to_, now));
  if (when > now) {
    At(when, kArrive);
    return;
  }
  const Latency& latency = network_.options().latency;
  Port& port = network_.port(to_);
  port.responds_until_ns = std::max(port.responds_until_ns, now) + latency.gap_ns +
                           (IsRead(item) ? latency.read_ns : 0) +
                           static_cast<int64_t>(BytesBack(item.operation)) * latency.byte_ps / 1000;
  At(port.responds_until_ns, kExecute);
}

void QueuePair::Execute() {
  const Item& item = items_.front();
  // A dead or cut-off node executes nothing, and answers nothing.
  if (cut_ || !network_.alive(to_)) return;
  if (item.is_message) {
    Deliver(item);
    EndItem(Fate::kOk);
    return;
  }
  if (chain_fate_ != Fate::kOk) {
    EndItem(chain_fate_);
    return;
  }
  network_.Tear(item.operation, pieces_);
  ExecutePiece();
}

void QueuePair::ExecutePiece() {
  if (cut_ || !network_.alive(to_)) return;
  const Piece piece = pieces_.back();
  pieces_.pop_back();
  const Fate fate = network_.Execute(from_, to_, items_.front().operation, piece);
  if (fate != Fate::kOk || pieces_.empty()) {
    EndItem(fate);
    return;
  }
  const int64_t pause = network_.random().Between(0, network_.options().latency.wire_ns / 2);
  At(network_.scheduler().now_ns() + pause, kNextPiece);
}

void QueuePair::Deliver(const Item& item) {
  network_.Record(kTraceDeliver, from_, to_, 0, 0);
  network_.port(to_).mailbox.push_back({from_, item.message});
  network_.Notify(to_);
}

// The first item is done with; the next may come.
void QueuePair::EndItem(Fate fate) {
  chain_fate_ = fate;
  const Item item = items_.front();
  items_.pop_front();
  if (item.last) {
    chain_fate_ = Fate::kOk;
    if (item.completion != nullptr) {
      int64_t when =
          network_.scheduler().now_ns() + network_.WireNs(to_, from_) + network_.Lateness();
      when = network_.AfterOutages(to_, from_, when);
      if (!answers_.empty()) when = std::max(when, answers_.back().when_ns);
      answers_.push_back({item.completion, fate, when});
      At(when, kComplete);
    }
  }
  ExpectFirst();
}

void QueuePair::Orphan(size_t keep) {
  items_.resize(std::min(keep, items_.size()));
  for (Item& item : items_) item.completion = nullptr;
  answers_.clear();
  ++life_;
  ExpectFirst();
}

void QueuePair::Fail() {
  ++life_;
  cut_ = true;
  std::vector<Completion*> unanswered;
  for (const Answer& answer : answers_) unanswered.push_back(answer.completion);
  for (const Item& item : items_) {
    if (item.completion != nullptr) unanswered.push_back(item.completion);
  }
  answers_.clear();
  items_.clear();
  for (Completion* completion : unanswered) {
    completion->fate = Fate::kPeerFailed;
    network_.Record(kTraceComplete, from_, to_, 0, static_cast<uint64_t>(Fate::kPeerFailed));
    network_.port(from_).ended.push_back(completion);
  }
}

}  // namespace farpage::transport::sim
