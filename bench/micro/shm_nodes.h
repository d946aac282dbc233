// Nodes on shared memory, all in this process.
#ifndef FARPAGE_BENCH_MICRO_SHM_NODES_H_
#define FARPAGE_BENCH_MICRO_SHM_NODES_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "transport/factory.h"
#include "transport/local_rendezvous.h"
#include "transport/transport.h"

namespace farpage::bench {

class ShmNodes {
 public:
  explicit ShmNodes(uint32_t size) : rendezvous_(size), made_(size) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    std::vector<std::thread> threads;
    for (uint32_t id = 0; id < size; ++id) {
      threads.emplace_back([this, id, deadline] {
        made_[id] = transport::CreateTransport(rendezvous_.node(NodeId(id)),
                                               transport::FactoryOptions{}, deadline);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  // Ends the benchmark with the reason if a node could not be made.
  bool ok(benchmark::State& state) const {
    for (const auto& one : made_) {
      if (one.ok()) continue;
      state.SkipWithError(std::string(one.status().message()).c_str());
      return false;
    }
    return true;
  }

  transport::Transport& node(uint32_t id) { return **made_[id]; }

 private:
  transport::LocalCluster rendezvous_;
  std::vector<absl::StatusOr<std::unique_ptr<transport::Transport>>> made_;
};

}  // namespace farpage::bench

#endif  // FARPAGE_BENCH_MICRO_SHM_NODES_H_
