#include "transport/verbs/peers.h"

#include "absl/strings/str_cat.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {

Peers::Peers(uint32_t count, Wakeups* wakeups)
    : count_(count), wakeups_(wakeups), states_(std::make_unique<Entry[]>(count)), marks_(count) {}

void Peers::Fail(NodeId id, PeerState why, uint32_t detail) {
  Entry& entry = states_[id.value()];
  const uint64_t failed = static_cast<uint64_t>(why) << 32 | detail;
  uint64_t now = 0;
  if (!entry.compare_exchange_strong(now, failed, std::memory_order_acq_rel)) {
    const bool explains = why == PeerState::kDied || why == PeerState::kLost ||
                          why == PeerState::kLeft || why == PeerState::kGaveUp;
    if (explains && StateOf(now) == PeerState::kBroken) {
      entry.compare_exchange_strong(now, failed, std::memory_order_acq_rel);
    }
    return;
  }
  failures_.fetch_add(1, std::memory_order_seq_cst);
  wakeups_->WakeWatcher();
  wakeups_->WakeAgent();
  wakeups_->WakeWords();
}

void Peers::Mark(NodeId id, std::string_view reason) {
  {
    const Hold hold(mutex_);
    std::string& mark = marks_[id.value()];
    if (mark.empty()) mark = reason;
  }
  Fail(id, PeerState::kMarked);
}

std::string Peers::reason(NodeId id) const {
  const uint64_t entry = states_[id.value()].load(std::memory_order_acquire);
  const auto detail = static_cast<uint32_t>(entry);
  const std::string node = absl::StrCat("node ", id.value());
  switch (StateOf(entry)) {
    case PeerState::kUp:
      return "";
    case PeerState::kDied:
      return absl::StrCat(node, ": its process has ended");
    case PeerState::kLost:
      return absl::StrCat(node, ": its host does not answer: it or the network is down");
    case PeerState::kLeft:
      return absl::StrCat(node, " has left the cluster");
    case PeerState::kGaveUp:
      return absl::StrCat(node, " has broken the connection: it counts this node as failed");
    case PeerState::kBroken:
      return absl::StrCat(
          node, ": ", Explain(static_cast<ibv_wc_status>(detail)),
          port_down_.load(std::memory_order_relaxed) ? "; this node's port is down" : "");
    case PeerState::kRefused:
      return absl::StrCat(node, ": the device refused a work request, error ", detail);
    case PeerState::kDevice:
      return absl::StrCat(node, ": this node's device reported: ",
                          ibv_event_type_str(static_cast<ibv_event_type>(detail)));
    case PeerState::kMarked: {
      const Hold hold(mutex_);
      return marks_[id.value()];
    }
  }
  return "";
}

}  // namespace farpage::transport::verbs
