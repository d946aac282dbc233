// A rendezvous inside one process: for tests that run nodes as threads, and for a cluster of one.
#ifndef FARPAGE_TRANSPORT_LOCAL_RENDEZVOUS_H_
#define FARPAGE_TRANSPORT_LOCAL_RENDEZVOUS_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"

namespace farpage::transport {

// Hands out one Rendezvous per node. Each is used by one thread at a time and lives as long as the
// cluster. All waits end at the caller's deadline.
class LocalCluster {
 public:
  explicit LocalCluster(uint32_t size);
  ~LocalCluster();
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;

  uint32_t size() const { return size_; }
  Rendezvous& node(NodeId id) { return *nodes_[id.value()]; }

  // `id` takes part no more: exchanges under way or to come that need it fail as UNAVAILABLE.
  void Leave(NodeId id);

 private:
  class Node;

  // One exchange. The n-th call of every node belongs to round n.
  struct Round {
    std::string key;  // as the first to arrive gave it
    NodeId first;
    std::vector<bool> arrived;
    std::vector<Contribution> contributions;
    uint32_t arrivals = 0;
    uint32_t returned = 0;
    absl::Status failure;  // once set, what every node gets from this round
  };

  absl::StatusOr<std::vector<Contribution>> AllGather(NodeId self, std::string_view key,
                                                      Contribution mine, absl::Time deadline);
  void Arrive(Round& round, NodeId self, std::string_view key, Contribution mine);
  absl::Status Missing(const Round& round) const;

  const uint32_t size_;
  std::vector<std::unique_ptr<Rendezvous>> nodes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Round> rounds_;  // guarded by mutex_, as all below
  std::vector<uint64_t> next_round_;
  std::vector<bool> left_;
};

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_LOCAL_RENDEZVOUS_H_
