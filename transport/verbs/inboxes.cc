#include "transport/verbs/inboxes.h"

#include <arpa/inet.h>

#include <array>
#include <bit>
#include <cstring>

#include "transport/verbs/control_memory.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {

Inboxes::Inboxes(ibv_cq* queue, uint32_t slots, Peers* peers, Wakeups* wakeups)
    : queue_(queue),
      slots_(slots),
      peers_(peers),
      wakeups_(wakeups),
      inboxes_(std::make_unique<Inbox[]>(peers->count())),
      senders_mask_(std::bit_ceil(peers->count() * slots) - 1),
      senders_(std::make_unique<uint16_t[]>(size_t{senders_mask_} + 1)) {}

absl::Status Inboxes::Add(ibv_qp* pair, const std::byte* mailbox) {
  const NodeId peer(added_++);
  Inbox& inbox = inboxes_[peer.value()];
  inbox.pair = pair;
  inbox.mailbox = mailbox;
  const int error = PostReceives(peer, ReceiveDepth(slots_));
  return error == 0 ? absl::OkStatus() : SetUpError("ibv_post_recv", error);
}

int Inboxes::PostReceives(NodeId peer, uint32_t count) {
  std::array<ibv_recv_wr, kBatch> requests{};
  while (count > 0) {
    const uint32_t batch = std::min<uint32_t>(count, kBatch);
    for (uint32_t i = 0; i < batch; ++i) {
      requests[i].wr_id = peer.value();
      requests[i].next = i + 1 < batch ? &requests[i + 1] : nullptr;
    }
    ibv_recv_wr* refused = nullptr;
    const int error = ibv_post_recv(inboxes_[peer.value()].pair, requests.data(), &refused);
    if (error != 0) return error;
    count -= batch;
  }
  return 0;
}

void Inboxes::Drain() {
  if (!lock_.try_lock()) return;
  bool words = false;
  std::array<ibv_wc, kBatch> results;
  int count = 0;
  do {
    count = ibv_poll_cq(queue_, kBatch, results.data());
    for (int i = 0; i < count; ++i) words |= Handle(results[static_cast<size_t>(i)]);
  } while (count == kBatch);
  lock_.unlock();
  if (words) wakeups_->WakeWords();
}

// Returns true if a word has changed.
bool Inboxes::Handle(const ibv_wc& result) {
  const NodeId peer(static_cast<uint32_t>(result.wr_id));
  Inbox& inbox = inboxes_[peer.value()];
  if (result.status != IBV_WC_SUCCESS) {
    peers_->Fail(peer, PeerState::kBroken, result.status);
    return false;
  }
  if (++inbox.used >= slots_ / 4) {
    const int error = PostReceives(peer, inbox.used);
    if (error != 0) peers_->Fail(peer, PeerState::kRefused, static_cast<uint32_t>(error));
    inbox.used = 0;
  }
  if (ntohl(result.imm_data) == static_cast<uint32_t>(Immediate::kMessage)) {
    const uint32_t arrived = arrived_.load(std::memory_order_relaxed);
    senders_[arrived & senders_mask_] = peer.value();
    arrived_.store(arrived + 1, std::memory_order_release);
    return false;
  }
  const uint32_t immediates = inbox.immediates.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (immediates - inbox.immediates_returned >= slots_ / 4) {
    inbox.immediates_returned = immediates;
    ReturnCreditsOrOwe(peer);
  }
  return true;
}

size_t Inboxes::Receive(std::span<ReceivedMessage> out) {
  if (!HasMessages()) Drain();
  uint32_t next = received_.load(std::memory_order_relaxed);
  const uint32_t arrived = arrived_.load(std::memory_order_acquire);
  size_t count = 0;
  for (; count < out.size() && next != arrived; ++next) {
    const NodeId peer(senders_[next & senders_mask_]);
    Inbox& inbox = inboxes_[peer.value()];
    const uint32_t number = inbox.messages.load(std::memory_order_relaxed);
    out[count].from = peer;
    std::memcpy(out[count].message.bytes.data(),
                inbox.mailbox + kLineBytes * (number & (slots_ - 1)), kMessageBytes);
    ++count;
    inbox.messages.store(number + 1, std::memory_order_release);
    received_.store(next + 1, std::memory_order_release);
    if (number + 1 - inbox.messages_returned >= slots_ / 4) {
      inbox.messages_returned = number + 1;
      ReturnCreditsOrOwe(peer);
    }
  }
  if (owing()) PayCredits();
  return count;
}

bool Inboxes::ReturnCredits(NodeId peer) {
  const Inbox& inbox = inboxes_[peer.value()];
  return send_queues_[peer.value()]->ReturnCredits(inbox.messages, inbox.immediates);
}

void Inboxes::ReturnCreditsOrOwe(NodeId peer) {
  if (ReturnCredits(peer)) return;
  inboxes_[peer.value()].owing.store(true, std::memory_order_release);
  owing_.store(true, std::memory_order_release);
  wakeups_->WakeWatcher();
}

void Inboxes::PayCredits() {
  if (!owing_.exchange(false, std::memory_order_acq_rel)) return;
  for (uint32_t i = 0; i < peers_->count(); ++i) {
    std::atomic<bool>& owing = inboxes_[i].owing;
    if (!owing.exchange(false, std::memory_order_acq_rel) || ReturnCredits(NodeId(i))) continue;
    owing.store(true, std::memory_order_release);
    owing_.store(true, std::memory_order_release);
  }
}

}  // namespace farpage::transport::verbs
