#include "runtime/bootstrap/membership.h"

#include <utility>

#include "runtime/bootstrap/rendezvous_client.h"

namespace farpage::bootstrap {
namespace {

class ClusterOfOne final : public Membership {
 public:
  NodeId self() const override { return NodeId(0); }
  uint32_t size() const override { return 1; }
  bool carries_fds() const override { return true; }
  absl::StatusOr<std::vector<transport::Contribution>> AllGather(std::string_view,
                                                                 transport::Contribution mine,
                                                                 absl::Time) override {
    std::vector<transport::Contribution> all;
    all.push_back(std::move(mine));
    return all;
  }
  int event_fd() const override { return -1; }
  std::vector<PeerDeath> TakeDeaths() override { return {}; }
  void Leave() override {}
};

}  // namespace

absl::StatusOr<std::unique_ptr<Membership>> JoinCluster(const NodeOptions& node,
                                                        absl::Time deadline) {
  if (node.rendezvous.empty()) return std::make_unique<ClusterOfOne>();
  absl::StatusOr<std::unique_ptr<RendezvousClient>> client =
      RendezvousClient::Connect(node, deadline);
  if (!client.ok()) return client.status();
  return std::unique_ptr<Membership>(*std::move(client));
}

}  // namespace farpage::bootstrap
