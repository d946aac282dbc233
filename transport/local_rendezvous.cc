#include "transport/local_rendezvous.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::transport {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr size_t kMaxFds = 16;

absl::StatusOr<std::vector<Contribution>> Duplicate(const std::vector<Contribution>& originals,
                                                    NodeId self) {
  std::vector<Contribution> copies(originals.size());
  for (size_t i = 0; i < originals.size(); ++i) {
    copies[i].bytes = originals[i].bytes;
    for (const OwnedFd& fd : originals[i].fds) {
      const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
      if (copy < 0) {
        const int error = errno;
        return absl::ResourceExhaustedError(
            absl::StrCat("node ", self.value(), ": cannot duplicate a descriptor of node ", i, ": ",
                         std::strerror(error), "; raise the limit of open files (ulimit -n)"));
      }
      copies[i].fds.emplace_back(copy);
    }
  }
  return copies;
}

}  // namespace

class LocalCluster::Node final : public Rendezvous {
 public:
  Node(LocalCluster* cluster, NodeId self) : cluster_(cluster), self_(self) {}
  NodeId self() const override { return self_; }
  uint32_t size() const override { return cluster_->size(); }
  bool carries_fds() const override { return true; }
  absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view key, Contribution mine,
                                                      absl::Time deadline) override {
    return cluster_->AllGather(self_, key, std::move(mine), deadline);
  }

 private:
  LocalCluster* const cluster_;
  const NodeId self_;
};

LocalCluster::LocalCluster(uint32_t size) : size_(size), next_round_(size), left_(size) {
  for (uint32_t i = 0; i < size; ++i) nodes_.push_back(std::make_unique<Node>(this, NodeId(i)));
}

LocalCluster::~LocalCluster() = default;

void LocalCluster::Leave(NodeId id) {
  std::lock_guard lock(mutex_);
  left_[id.value()] = true;
  changed_.notify_all();
}

void LocalCluster::Arrive(Round& round, NodeId self, std::string_view key, Contribution mine) {
  if (round.arrivals == 0) {
    round.key = std::string(key);
    round.first = self;
    round.arrived.resize(size_);
    round.contributions.resize(size_);
  } else if (round.key != key && round.failure.ok()) {
    round.failure = absl::InvalidArgumentError(
        absl::StrCat("nodes are at different points of the program: node ", round.first.value(),
                     " at '", round.key, "', node ", self.value(), " at '", std::string(key), "'"));
  }
  round.arrived[self.value()] = true;
  round.contributions[self.value()] = std::move(mine);
  ++round.arrivals;
  changed_.notify_all();
}

absl::Status LocalCluster::Missing(const Round& round) const {
  std::string missing;
  for (uint32_t i = 0; i < size_; ++i) {
    if (!round.arrived[i]) absl::StrAppend(&missing, missing.empty() ? "" : ", ", i);
  }
  return absl::DeadlineExceededError(
      absl::StrCat("exchange '", round.key, "': missing of nodes 0 to ", size_ - 1, ": ", missing));
}

absl::StatusOr<std::vector<Contribution>> LocalCluster::AllGather(NodeId self, std::string_view key,
                                                                  Contribution mine,
                                                                  absl::Time deadline) {
  if (mine.bytes.size() > kMaxBytes || mine.fds.size() > kMaxFds) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", self.value(), ": ", mine.bytes.size(), " bytes and ", mine.fds.size(),
                     " descriptors in one contribution; at most ", kMaxBytes, " and ", kMaxFds));
  }
  std::unique_lock lock(mutex_);
  const uint64_t number = next_round_[self.value()]++;
  Round& round = rounds_[number];
  Arrive(round, self, key, std::move(mine));

  const auto departed = [&]() -> int64_t {
    for (uint32_t i = 0; i < size_; ++i) {
      if (left_[i] && !round.arrived[i]) return i;
    }
    return -1;
  };
  const auto settled = [&] {
    return !round.failure.ok() || round.arrivals == size_ || departed() >= 0;
  };
  // The system clock: condition variables on the steady one are invisible to thread sanitizers.
  const bool in_time = changed_.wait_until(lock, absl::ToChronoTime(deadline), settled);
  if (round.failure.ok() && round.arrivals < size_) {
    const int64_t gone = departed();
    round.failure = !in_time ? Missing(round)
                             : absl::UnavailableError(absl::StrCat("exchange '", round.key,
                                                                   "': node ", gone, " has left"));
    changed_.notify_all();
  }
  // Built anew for each: copies of a Status share a count that thread sanitizers cannot follow.
  absl::StatusOr<std::vector<Contribution>> result =
      round.failure.ok() ? Duplicate(round.contributions, self)
                         : absl::Status(round.failure.code(), round.failure.message());
  if (++round.returned == size_) rounds_.erase(number);
  return result;
}

}  // namespace farpage::transport
