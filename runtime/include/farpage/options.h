// Tunables of a node. Every member can also be set by an environment variable:
// `farpage run --help-environment` prints each with its unit, default, bounds and meaning.
#ifndef FARPAGE_OPTIONS_H_
#define FARPAGE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace farpage {

// What all nodes of a cluster must agree on. Compared when nodes join; a difference is an error
// that names the option, both nodes and both values.
struct ClusterOptions {
  std::string transport = "shm";                     // back end: "shm" or "verbs"
  uint64_t address_space_bytes = uint64_t{1} << 40;  // virtual range for all regions together
  uint64_t notice_log_bytes = uint64_t{1} << 20;     // of each node's log of pages
                                                     // written (release consistency)
  // Bounds on waits. A node that dies ends them at once; these are for those that are silent.
  int64_t timeout_ms = 3'600'000;     // for other nodes' programs: barriers, locks, flags,
                                      // semaphores, allocation
  int64_t fetch_timeout_ms = 60'000;  // for other nodes' runtimes: pages, one-sided operations
  int64_t join_timeout_ms = 30'000;   // bound on waiting for all nodes to join
};

// What may differ from node to node.
struct NodeOptions {
  // Written by the launcher. A node without a rendezvous is a cluster of one.
  uint32_t rank = 0;
  uint32_t size = 1;
  std::string rendezvous;  // where the launcher listens
  std::string job_secret;  // proves that a node belongs to the job

  uint64_t cache_bytes = uint64_t{1} << 30;  // pages of other homes kept here
  // "auto", "userfaultfd", "userfaultfd-sync" (which has every first write fault) or "mprotect"
  std::string pager = "auto";
  bool prefetch = true;           // detect sequential streams and fetch ahead
  int64_t minimum_hold_ns = 0;    // a fetched page stays at least so long; 0: measured
  int64_t spin_ns = -1;           // a wait spins so long before it sleeps; −1: 20 µs, or 0
                                  // where there are more nodes than processors
  bool print_statistics = false;  // print this node's statistics when it leaves

  // verbs only; empty or negative: chosen
  std::string verbs_device;  // e.g. "mlx5_0", "rxe0"
  int32_t verbs_port = -1;   // 1 …
  int32_t verbs_gid_index = -1;
  int32_t verbs_mtu_bytes = -1;  // 256, 512, 1024, 2048 or 4096
};

struct Options {
  ClusterOptions cluster;
  NodeOptions node;
};

}  // namespace farpage

#endif  // FARPAGE_OPTIONS_H_
