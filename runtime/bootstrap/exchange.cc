#include "runtime/bootstrap/exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace farpage::bootstrap {
namespace {

// To a tenth of a second: some of the time a node was given has gone before it asks.
std::string TimeText(uint32_t ms) {
  const uint32_t tenths = (ms + 50) / 100;
  return ms < 1000 ? absl::StrFormat("%d ms", ms) : absl::StrFormat("%g s", tenths / 10.0);
}

const char* Have(const std::vector<NodeId>& nodes) { return nodes.size() == 1 ? "has" : "have"; }

}  // namespace

std::string NodeList(std::span<const NodeId> nodes) {
  constexpr size_t kShown = 8;
  std::vector<std::string> names;
  for (NodeId node : nodes.first(std::min(nodes.size(), kShown))) {
    names.push_back(absl::StrCat(node.value()));
  }
  if (nodes.size() > kShown) names.push_back(absl::StrCat(nodes.size() - kShown, " more"));
  if (names.size() == 1) return absl::StrCat("node ", names[0]);
  const std::string last = names.empty() ? "none" : names.back();
  if (!names.empty()) names.pop_back();
  return absl::StrCat("nodes ", absl::StrJoin(names, ", "), " and ", last);
}

absl::Status Exchange::Add(NodeId node, Contribute contribute, std::vector<transport::OwnedFd> fds,
                           Time now) {
  std::shared_ptr<const OutgoingFrame>& frame = frames_[node.value()];
  if (frame != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrFormat("node %d contributed twice to exchange '%s'", node.value(), key_));
  }
  if (waiting_.empty()) key_ = contribute.key;
  if (contribute.key != key_) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "node %d is in exchange '%s' and node %d in '%s': all nodes must make the same collective "
        "calls in the same order",
        waiting_.front().value(), key_, node.value(), contribute.key));
  }
  const auto count = static_cast<uint8_t>(fds.size());
  frame = std::make_shared<const OutgoingFrame>(
      OutgoingFrame{EncodePart({node, std::move(contribute.bytes)}, count), std::move(fds)});
  waiting_.push_back(node);
  const Time deadline = now + std::chrono::milliseconds(contribute.timeout_ms);
  if (deadline < deadline_) {
    deadline_ = deadline;
    timeout_ms_ = contribute.timeout_ms;
  }
  return absl::OkStatus();
}

absl::Status Exchange::Missed(const std::vector<bool>& joined) const {
  std::vector<NodeId> absent;
  std::vector<NodeId> late;
  for (uint32_t node = 0; node < frames_.size(); ++node) {
    if (frames_[node] != nullptr) continue;
    (joined[node] ? late : absent).emplace_back(node);
  }
  std::string what;
  if (!absent.empty()) {
    what =
        absl::StrFormat("%s of %d %s not joined", NodeList(absent), frames_.size(), Have(absent));
  }
  if (!late.empty()) {
    absl::StrAppendFormat(&what, "%s%s of %d %s not come to exchange '%s'",
                          what.empty() ? "" : ", and ", NodeList(late), frames_.size(), Have(late),
                          key_);
  }
  return absl::DeadlineExceededError(absl::StrFormat("%s within %s", what, TimeText(timeout_ms_)));
}

std::vector<std::shared_ptr<const OutgoingFrame>> Exchange::TakeParts() {
  waiting_.clear();
  deadline_ = Time::max();
  std::vector<std::shared_ptr<const OutgoingFrame>> parts(frames_.size());
  parts.swap(frames_);
  return parts;
}

}  // namespace farpage::bootstrap
