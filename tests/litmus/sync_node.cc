#include "tests/litmus/sync_node.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "tests/litmus/sync_tally.h"
#include "tests/runtime/scenario.h"

namespace farpage::litmus {
namespace {

using Regions = std::array<std::span<uint64_t>, kSyncNodes>;  // by home

// Plain loads and stores, as a program makes them. What the nodes tell each other is in an atomic
// array, which orders nothing.
class RealSync final : public SyncMachine {
 public:
  explicit RealSync(Node& node)
      : node_(node), told_(Or(node.MakeAtomicArray<uint64_t>("told", node.size()))) {
    for (const char* name : {"L", "M"}) locks_.push_back(Or(node.MakeMutex(name)));
  }

  void Use(std::span<uint64_t> region) { region_ = region; }

  uint64_t Load(uint64_t word) override { return Word(word); }
  void Store(uint64_t word, uint64_t value) override { Word(word) = value; }
  void Lock(uint32_t lock) override { locks_[lock].lock(); }
  void Unlock(uint32_t lock) override { locks_[lock].unlock(); }
  void Barrier() override { REQUIRE_OK(node_.Barrier()); }
  void Delay(int64_t ns) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(ns);
    while (std::chrono::steady_clock::now() < end) {
    }
  }
  void TellSteps(uint64_t steps) override { told_.store(node_.id(), steps); }
  // There are more nodes than processors.
  void AwaitSteps(uint32_t node, uint64_t steps) override {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (told_.load(node) < steps) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::yield();
    }
  }

 private:
  template <typename T>
  static T Or(absl::StatusOr<T> made) {
    REQUIRE_OK(made.status());
    return *std::move(made);
  }
  volatile uint64_t& Word(uint64_t word) { return region_[word]; }

  Node& node_;
  AtomicArray<uint64_t> told_;
  std::vector<Mutex> locks_;
  std::span<uint64_t> region_;
};

}  // namespace

int RunSyncNode(const SyncNodeOptions& options) {
  Node node = testing::JoinOrDie();
  REQUIRE(node.size() == kSyncNodes);
  Regions regions;
  for (uint32_t home = 0; home < kSyncNodes; ++home) {
    regions[home] = testing::AllocateOrDie<uint64_t>(
        node, ("home " + std::to_string(home)).c_str(), SyncPages(options.rounds) * kSyncPageWords,
        {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = home});
  }
  RealSync machine(node);
  absl::StatusOr<AtomicArray<uint64_t>> counts =
      node.MakeAtomicArray<uint64_t>("counts", 2 * kSyncCells);
  REQUIRE_OK(counts.status());
  std::seed_seq seed = {options.seed, uint64_t{node.id()}};
  std::minstd_rand random(seed);
  uint64_t steps = 0;
  for (uint32_t cell = 0; cell < kSyncCells; ++cell) {
    const SyncCell about = SyncCellOf(cell);
    if (!IsDistinct(about)) continue;
    machine.Use(regions[about.home]);
    for (uint32_t round = 0; round < options.rounds; ++round) {
      const std::optional<uint64_t> value =
          RunSyncRound(cell, round, options.rounds, node.id(), machine, random,
                       round % 2 == 0 ? 0 : options.longest_delay_ns, steps);
      if (!value.has_value()) continue;
      REQUIRE(*value <= 1);
      counts->fetch_add(2 * cell + *value, 1);
    }
  }
  REQUIRE_OK(node.Barrier());
  if (node.id() == 0) {
    SyncTally tally(options.back_end);
    for (uint32_t cell = 0; cell < kSyncCells; ++cell) {
      tally.Add(cell, counts->load(2 * cell + 1), counts->load(2 * cell));
    }
    std::ofstream(options.result) << tally.ToJson();
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace farpage::litmus
