// The collective exchange of simulated nodes.
#ifndef FARPAGE_TESTS_SIMULATION_SIMULATED_MEMBERSHIP_H_
#define FARPAGE_TESTS_SIMULATION_SIMULATED_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/bootstrap/membership.h"
#include "transport/sim/network.h"

namespace farpage::simulation {

// Hands out one Membership per node. What comes of an exchange is shared, not copied per node,
// until it is handed over. Deaths are told by the transport, not here.
class Gathering {
 public:
  explicit Gathering(transport::sim::Network& network) : network_(network) {}

  std::unique_ptr<bootstrap::Membership> Join(NodeId node);

 private:
  class Member;
  struct Round {
    std::string key;
    NodeId first;
    std::vector<std::string> contributions;
    std::vector<bool> arrived;
    uint32_t arrivals = 0;
  };
  absl::StatusOr<std::vector<transport::Contribution>> Exchange(NodeId node, uint64_t number,
                                                                std::string_view key,
                                                                std::string bytes);

  transport::sim::Network& network_;
  std::map<uint64_t, Round> rounds_;
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SIMULATED_MEMBERSHIP_H_
