#include "runtime/bootstrap/launcher_news.h"

#include "runtime/bootstrap/messages.h"

namespace farpage::bootstrap {

using transport::Contribution;

absl::Status LauncherNews::Take(Frame frame) {
  switch (frame.type) {
    case MessageType::kWelcome:
      admitted_ = true;
      return absl::OkStatus();
    case MessageType::kFailed: {
      absl::Status failure;
      if (absl::Status ok = DecodeFailed(frame.bytes(), failure); !ok.ok()) return ok;
      Break(failure);
      return absl::OkStatus();
    }
    case MessageType::kPart:
      return TakePart(std::move(frame));
    case MessageType::kDeath: {
      absl::StatusOr<Death> death = DecodeDeath(frame.bytes());
      if (!death.ok()) return death.status();
      if (death->node.value() >= size_) {
        return absl::InvalidArgumentError("the launcher told of a node that does not exist");
      }
      AddDeath({death->node, std::move(death->reason)});
      return absl::OkStatus();
    }
    case MessageType::kHello:
    case MessageType::kContribute:
    case MessageType::kLeave:
      break;
  }
  return absl::InvalidArgumentError("the launcher sent what only nodes send");
}

absl::Status LauncherNews::TakePart(Frame frame) {
  absl::StatusOr<Part> part = DecodePart(frame.bytes());
  if (!part.ok()) return part.status();
  if (!broken_.ok()) return absl::OkStatus();  // of an exchange that was given up here
  const uint32_t node = part->node.value();
  if (!exchanging_ || node >= size_ || part_here_[node]) {
    return absl::InvalidArgumentError("the launcher sent a part nobody asked for");
  }
  part_here_[node] = true;
  parts_[node] = Contribution{std::move(part->bytes), std::move(frame.fds)};
  ++parts_here_;
  return absl::OkStatus();
}

void LauncherNews::Break(absl::Status why) {
  if (broken_.ok()) broken_ = std::move(why);
}

void LauncherNews::BeginExchange() {
  exchanging_ = true;
  parts_here_ = 0;
  part_here_.assign(size_, false);
  parts_.clear();
  parts_.resize(size_);
}

absl::StatusOr<std::vector<Contribution>> LauncherNews::EndExchange() {
  exchanging_ = false;
  if (!broken_.ok()) return broken_;
  return std::exchange(parts_, {});
}

}  // namespace farpage::bootstrap
