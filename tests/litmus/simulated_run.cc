#include "tests/litmus/simulated_run.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/litmus/machine.h"
#include "tests/litmus/sweep.h"
#include "tests/simulation/simulated_cluster.h"

namespace farpage::litmus {
namespace {

constexpr uint64_t kPageBytes = kPageWords * sizeof(uint64_t);

// What the threads of one cell share beside the memory under test.
struct Board {
  std::array<uint32_t, kMostThreads> ends{};  // rounds that the thread has ended
  std::vector<std::array<std::array<uint64_t, kMostReads>, kMostThreads>> values;  // by round
};

// One thread's way to the memory of a simulated cluster.
class SimulatedMemory final : public Machine {
 public:
  SimulatedMemory(simulation::SimulatedNode& node, Board& board, const Sweep& sweep,
                  const std::array<uint64_t, kNodes>& regions, uint32_t round)
      : node_(node), board_(board), thread_(node.id().value()), round_(round) {
    const Cell& cell = sweep.cells()[0];
    locations_ = cell.shape_data().program.locations();
    for (uint32_t location = 0; location < locations_; ++location) {
      const Word word = sweep.Locate(cell, round, location);
      pages_[location] = regions[word.home] + word.page * kPageBytes;
      words_[location] = pages_[location] + word.index * sizeof(uint64_t);
    }
  }

  void Prepare(const Cell& cell) {
    const bool holds = (cell.warmth == Warmth::kFirstHolds && thread_ == 0) ||
                       (cell.warmth == Warmth::kLastHolds && thread_ + 1 == cell.threads());
    for (uint32_t location = 0; location < locations_; ++location) {
      if (holds) node_.Write(pages_[location] + kSpareWord * sizeof(uint64_t), round_ + 1);
      if (cell.warmth == Warmth::kShared) node_.Read(words_[location]);
    }
  }

  uint64_t Load(uint32_t location) override { return node_.Read(words_[location]); }
  void Store(uint32_t location, uint64_t value) override { node_.Write(words_[location], value); }
  void Delay(int64_t ns) override { node_.Work(ns); }
  void TellEnd() override { board_.ends[thread_] = round_ + 1; }
  void AwaitEnd(uint32_t thread) override {
    while (board_.ends[thread] <= round_) node_.Work(100);
  }

 private:
  simulation::SimulatedNode& node_;
  Board& board_;
  const uint32_t thread_;
  const uint32_t round_;
  uint32_t locations_ = 0;
  std::array<uint64_t, kMostLocations> pages_{};
  std::array<uint64_t, kMostLocations> words_{};
};

// Fabrics in turn: a NIC with its latency or with none to speak of, Soft-RoCE, shared memory.
simulation::ClusterOptions OptionsFor(const SimulationOptions& asked, uint64_t seed) {
  simulation::ClusterOptions options;
  options.nodes = kNodes;
  options.seed = seed;
  options.prefetch = false;
  options.step = asked.step;
  options.check = !asked.step;  // a broken protocol is left to the litmus tests to find
  options.address_space_bytes = size_t{64} << 20;
  options.spin_ns = 400;  // waiting is not what is looked at, and spinning costs real time
  options.agent_spin_ns = 200;
  options.faults.jitter_ns = static_cast<int64_t>(seed % 3) * 2'000;
  options.faults.torn_transfers = seed % 2 == 0;
  options.direct = seed % 4 == 1;
  options.maps_home_in_place = seed % 5 != 0;
  options.minimum_hold_ns = seed % 3 == 0 ? 1'500 : 4'000;
  return options;
}

void RunThreadOfCell(simulation::SimulatedNode& node, const Sweep& sweep, Board& board,
                     uint64_t seed, int64_t longest_delay_ns) {
  const Cell& cell = sweep.cells()[0];
  std::array<uint64_t, kNodes> regions{};
  for (uint32_t home = 0; home < kNodes; ++home) {
    regions[home] = node.Allocate(
        absl::StrCat("home ", home), sweep.pages(),
        {.consistency = cell.consistency, .placement = farpage::Placement::kOneHome, .home = home});
  }
  node.Ready();
  const uint32_t thread = node.id().value();
  std::seed_seq mixed = {seed, uint64_t{thread}};
  std::minstd_rand random(mixed);
  for (uint32_t round = 0; round < cell.rounds; ++round) {
    const bool takes_part = thread < cell.threads();
    SimulatedMemory memory(node, board, sweep, regions, round);
    if (takes_part) memory.Prepare(cell);
    if (!node.Barrier().ok()) return node.cluster().Fail("a barrier failed");
    if (!takes_part) continue;
    constexpr std::array<int64_t, 4> kScales = {0, 1, 3, 30};
    const int64_t scale = kScales[random() % kScales.size()];
    RunThread(cell.shape_data().program, thread, memory, random,
              scale == 0 ? 0 : longest_delay_ns / scale, board.values[round][thread]);
  }
  if (!node.Barrier().ok()) node.cluster().Fail("the last barrier failed");
}

Values OutcomeOf(const Program& program, const Board& board, uint32_t round) {
  Values outcome;
  for (size_t thread = 0; thread < program.threads.size(); ++thread) {
    size_t read = 0;
    for (const Access& access : program.threads[thread]) {
      if (!access.write) outcome.push_back(board.values[round][thread][read++]);
    }
  }
  return outcome;
}

// False if the simulation failed.
bool RunCell(const Cell& cell, const SimulationOptions& options, uint64_t seed,
             SimulationResult& result) {
  const Sweep sweep(cell);
  Board board;
  board.values.resize(cell.rounds);
  simulation::SimulatedCluster cluster(OptionsFor(options, seed));
  cluster.Run([&](simulation::SimulatedNode& node) {
    RunThreadOfCell(node, sweep, board, seed, options.longest_delay_ns);
  });
  const Program& program = cell.shape_data().program;
  uint32_t ended = cell.rounds;
  for (uint32_t thread = 0; thread < cell.threads(); ++thread) {
    ended = std::min(ended, board.ends[thread]);
  }
  for (uint32_t round = 0; round < ended; ++round) {
    const Values outcome = OutcomeOf(program, board, round);
    result.tally.Add(cell.shape_data(), cell.consistency, outcome);
    if (result.failure.empty() && !Allows(Promise(cell.consistency), program, outcome)) {
      result.failure = absl::StrCat(cell.Describe(), ", seed ", seed, ": reads returned ",
                                    ToText(outcome), ", which is forbidden");
    }
  }
  if (cluster.failure().has_value() && result.failure.empty()) {
    result.failure = absl::StrCat(cell.Describe(), ", seed ", seed, ": ", cluster.failure()->what,
                                  "\n", cluster.DescribeTrace(cluster.failure()->page, 30));
  }
  return result.failure.empty();
}

}  // namespace

SimulationResult Simulate(const SimulationOptions& options) {
  SimulationResult result;
  const Sweep all(options.rounds, options.rounds);
  uint64_t seed = options.seed;
  bool missing = true;
  for (; missing && result.passes < options.passes; ++result.passes) {
    const bool first = result.passes == 0;
    missing = false;
    for (const Shape& shape : Shapes()) {
      if (!first && result.tally.NeverSeen(shape).empty()) continue;
      for (Cell cell : all.cells()) {
        // To the simulation both consistencies are one: each situation has one of them in a pass.
        const auto place = static_cast<size_t>(cell.warmth) + cell.placement.same_page +
                           static_cast<size_t>(cell.placement.homes) + result.passes;
        const bool turn = place % 2 == static_cast<size_t>(cell.consistency);
        if (&cell.shape_data() != &shape || !turn) continue;
        if (!first) cell.rounds *= 4;
        if (!RunCell(cell, options, seed++, result)) return result;
      }
      missing = missing || options.step || !result.tally.NeverSeen(shape).empty();
    }
  }
  return result;
}

}  // namespace farpage::litmus
