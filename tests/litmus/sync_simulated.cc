#include "tests/litmus/sync_simulated.h"

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/simulation/simulated_cluster.h"

namespace farpage::litmus {
namespace {

class SimulatedSync final : public SyncMachine {
 public:
  using Board = std::array<uint64_t, kSyncNodes>;  // what each node has told

  SimulatedSync(simulation::SimulatedNode& node, Board& board, uint64_t region)
      : node_(node), board_(board), region_(region) {
    for (uint32_t lock = 0; lock < kSyncLocks; ++lock) {
      locks_.push_back(node.MakeLock(absl::StrCat("lock ", lock)));
    }
  }

  uint64_t Load(uint64_t word) override { return node_.Read(AddressOf(word)); }
  void Store(uint64_t word, uint64_t value) override { node_.Write(AddressOf(word), value); }
  void Lock(uint32_t lock) override { Check(locks_[lock]->Lock()); }
  void Unlock(uint32_t lock) override { Check(locks_[lock]->Unlock()); }
  void Barrier() override { Check(node_.Barrier()); }
  void Delay(int64_t ns) override { node_.Work(ns); }
  void TellSteps(uint64_t steps) override { board_[node_.id().value()] = steps; }
  void AwaitSteps(uint32_t node, uint64_t steps) override {
    while (board_[node] < steps) node_.Work(100);
  }

 private:
  uint64_t AddressOf(uint64_t word) const { return region_ + word * sizeof(uint64_t); }
  void Check(const absl::Status& status) {
    if (!status.ok()) node_.cluster().Fail(status.ToString());
  }

  simulation::SimulatedNode& node_;
  Board& board_;
  const uint64_t region_;
  std::vector<std::shared_ptr<internal::QueueLock>> locks_;
};

// Fabrics in turn: a NIC with its latency or with none to speak of, shared memory.
simulation::ClusterOptions OptionsFor(const SyncSimulationOptions& asked, uint64_t seed) {
  simulation::ClusterOptions options;
  options.nodes = kSyncNodes;
  options.seed = seed;
  options.prefetch = seed % 2 == 0;
  options.release_step = asked.step;
  options.address_space_bytes = size_t{64} << 20;
  options.spin_ns = 400;  // waiting is not what is looked at, and spinning costs real time
  options.agent_spin_ns = 200;
  options.faults.jitter_ns = static_cast<int64_t>(seed % 3) * 2'000;
  options.faults.torn_transfers = seed % 2 == 0;
  options.direct = seed % 4 == 1;
  return options;
}

}  // namespace

SyncSimulationResult SimulateSync(const SyncSimulationOptions& options) {
  SyncSimulationResult result;
  for (uint32_t cell = 0; cell < kSyncCells; ++cell) {
    const SyncCell about = SyncCellOf(cell);
    if (!IsDistinct(about)) continue;
    const uint64_t seed = options.seed + cell;
    SimulatedSync::Board board{};
    simulation::SimulatedCluster cluster(OptionsFor(options, seed));
    cluster.Run([&](simulation::SimulatedNode& node) {
      const uint32_t self = node.id().value();
      const uint64_t region = node.Allocate("memory", options.rounds + 1,
                                            {.consistency = Consistency::kRelease,
                                             .placement = farpage::Placement::kOneHome,
                                             .home = about.home});
      // The cell is alone here: its pages come first.
      const uint64_t skipped = SyncWord(cell, 0, options.rounds) / kSyncPageWords * 4096;
      SimulatedSync machine(node, board, region - skipped);
      node.Ready();
      std::seed_seq mixed = {seed, uint64_t{self}};
      std::minstd_rand random(mixed);
      uint64_t steps = 0;
      for (uint32_t round = 0; round < options.rounds; ++round) {
        const std::optional<uint64_t> value =
            RunSyncRound(cell, round, options.rounds, self, machine, random,
                         round % 2 == 0 ? 0 : options.longest_delay_ns, steps);
        if (value.has_value()) result.tally.Add(cell, *value == 1, *value == 0);
      }
      machine.Barrier();
    });
    if (cluster.failure().has_value()) {
      result.failure =
          absl::StrCat(about.Describe(), ", seed ", seed, ": ", cluster.failure()->what, "\n",
                       cluster.DescribeTrace(cluster.failure()->page, 30));
      return result;
    }
  }
  return result;
}

}  // namespace farpage::litmus
