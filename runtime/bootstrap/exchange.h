// One collective exchange, as the launcher sees it: who has contributed what, and who is missing.
// Pure: no socket and no clock in it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_EXCHANGE_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_EXCHANGE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/bootstrap/frame_io.h"
#include "runtime/bootstrap/messages.h"

namespace farpage::bootstrap {

// "node 3", "nodes 1 and 3", "nodes 0, 1, 2, 3, 4, 5, 6, 7 and 92 more".
std::string NodeList(std::span<const NodeId> nodes);

class Exchange {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Exchange(uint32_t size) : frames_(size) {}

  // INVALID_ARGUMENT if the node is at another key than those before it (with both keys), or has
  // contributed already.
  absl::Status Add(NodeId node, Contribute contribute, std::vector<transport::OwnedFd> fds,
                   Time now);

  bool complete() const { return waiting_.size() == frames_.size(); }
  std::span<const NodeId> waiting() const { return waiting_; }  // in order of arrival
  const std::string& key() const { return key_; }
  // The first deadline of those waiting, or Time::max().
  Time deadline() const { return deadline_; }

  // The error when the deadline has passed. `joined` tells of each node whether it has joined.
  absl::Status Missed(const std::vector<bool>& joined) const;

  // The parts for everyone, by node, once complete. Leaves this ready for the next exchange.
  std::vector<std::shared_ptr<const OutgoingFrame>> TakeParts();

 private:
  std::vector<std::shared_ptr<const OutgoingFrame>> frames_;  // by node; null: missing
  std::vector<NodeId> waiting_;
  std::string key_;
  Time deadline_ = Time::max();
  uint32_t timeout_ms_ = 0;  // that led to deadline_
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_EXCHANGE_H_
