#include "tests/simulation/simulated_membership.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::simulation {

using transport::Contribution;

class Gathering::Member final : public bootstrap::Membership {
 public:
  Member(Gathering& gathering, NodeId self) : gathering_(gathering), self_(self) {}

  NodeId self() const override { return self_; }
  uint32_t size() const override { return gathering_.network_.size(); }
  bool carries_fds() const override { return false; }
  absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view key, Contribution mine,
                                                      absl::Time /*deadline*/) override {
    return gathering_.Exchange(self_, next_round_++, key, std::move(mine.bytes));
  }
  int event_fd() const override { return -1; }
  std::vector<bootstrap::PeerDeath> TakeDeaths() override { return {}; }
  void Leave() override {}

 private:
  Gathering& gathering_;
  const NodeId self_;
  uint64_t next_round_ = 0;
};

std::unique_ptr<bootstrap::Membership> Gathering::Join(NodeId node) {
  return std::make_unique<Member>(*this, node);
}

absl::StatusOr<std::vector<Contribution>> Gathering::Exchange(NodeId node, uint64_t number,
                                                              std::string_view key,
                                                              std::string bytes) {
  constexpr int64_t kLookNs = 10'000'000;
  transport::sim::Scheduler& scheduler = network_.scheduler();
  Round& round = rounds_[number];
  if (round.arrivals == 0) {
    round.key = std::string(key);
    round.first = node;
    round.contributions.resize(network_.size());
    round.arrived.resize(network_.size());
  } else if (round.key != key) {
    return absl::InvalidArgumentError(absl::StrCat("node ", round.first.value(), " is at '",
                                                   round.key, "', node ", node.value(), " at '",
                                                   std::string(key), "'"));
  }
  round.contributions[node.value()] = std::move(bytes);
  round.arrived[node.value()] = true;
  if (++round.arrivals == network_.size()) scheduler.WakeAll(&round, 1'000);
  while (round.arrivals < network_.size()) {
    scheduler.Wait(&round, scheduler.now_ns() + kLookNs);
    for (uint32_t other = 0; other < network_.size(); ++other) {
      if (!round.arrived[other] && !network_.alive(NodeId(other))) {
        return absl::UnavailableError(
            absl::StrCat("exchange '", std::string(key), "': node ", other, " has died"));
      }
    }
  }
  std::vector<Contribution> all(network_.size());
  for (uint32_t other = 0; other < network_.size(); ++other) {
    all[other].bytes = round.contributions[other];
  }
  return all;
}

}  // namespace farpage::simulation
