// Memory with release consistency: what must be seen after which synchronisation.
#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/release/release_memory.h"
#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

// All nodes write words of all pages between barriers, and see each other's.
NODE_SCENARIO(ReleasedPlacements) {
  Node node = JoinOrDie();
  for (const Placement placement : {Placement::kBlock, Placement::kCyclic, Placement::kOneHome}) {
    const std::string name = "placement " + std::to_string(static_cast<int>(placement));
    std::span<uint64_t> memory = Released(node, name.c_str(), 9, placement);
    for (uint64_t word : memory) REQUIRE(word == 0);
    REQUIRE_OK(node.Barrier());
    for (uint64_t round = 1; round <= 4; ++round) {
      for (size_t word = node.id(); word < memory.size(); word += node.size()) {
        memory[word] = word * round;
      }
      REQUIRE_OK(node.Barrier());
      for (size_t word = 0; word < memory.size(); ++word) REQUIRE(memory[word] == word * round);
      REQUIRE_OK(node.Barrier());
    }
  }
  return 0;
}

// Nodes write bytes of the same words between barriers.
NODE_SCENARIO(ReleasedAdjacentBytes) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = Released(node, "bytes", 2);
  auto* bytes = reinterpret_cast<volatile unsigned char*>(memory.data());
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 300);
  for (size_t round = 1; round <= rounds; ++round) {
    for (size_t byte = node.id(); byte < 8192; byte += node.size()) {
      bytes[byte] = static_cast<unsigned char>(round + byte);
    }
    REQUIRE_OK(node.Barrier());
    for (size_t byte = 0; byte < 8192; byte += 1 + round % 7) {
      REQUIRE(bytes[byte] == static_cast<unsigned char>(round + byte));
    }
    REQUIRE_OK(node.Barrier());
  }
  return 0;
}

// Writes 7, loses the page, writes what was there before: the home must have that, not 7.
NODE_SCENARIO(ReleasedRewriteAfterEviction) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = Released(node, "memory", 1, Placement::kOneHome);
  std::span<uint64_t> other = Released(node, "other", 64, Placement::kOneHome);
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 40);
  for (size_t round = 0; round < rounds; ++round) {
    if (node.id() == 0) Store(memory[round], 5);
    REQUIRE_OK(node.Barrier());
    if (node.id() == 1) {
      const Statistics before = node.statistics();
      Store(memory[round], 7);
      EvictEverything(other);
      REQUIRE(Load(memory[round]) == 7);
      Store(memory[round], 5);
      EvictEverything(other);
      REQUIRE((node.statistics() - before)[Counter::evicted_dirty] >= 2);
    }
    REQUIRE_OK(node.Barrier());
    REQUIRE(Load(memory[round]) == 5);
    REQUIRE_OK(node.Barrier());
  }
  return 0;
}

// No other node's processor takes part in misses, writes, releases, acquires and hand-overs.
NODE_SCENARIO(ReleasedWithoutRemoteProcessors) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = Released(node, "memory", 64);
  Mutex mutex = MutexOrDie(node, "m");
  REQUIRE_OK(node.Barrier());
  const Statistics before = node.statistics();
  for (uint64_t round = 1; round <= 20; ++round) {
    for (size_t page = 0; page < 64; ++page) Store(memory[page * kPageWords + node.id()], round);
    REQUIRE_OK(node.Barrier());
    for (size_t page = 0; page < 64; ++page) {
      for (uint32_t other = 0; other < node.size(); ++other) {
        REQUIRE(Load(memory[page * kPageWords + other]) == round);
      }
    }
    REQUIRE_OK(node.Barrier());
    std::lock_guard lock(mutex);
    Store(memory[100], Load(memory[100]) + 1);
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(Load(memory[100]) == 20 * node.size());
  const Statistics done = node.statistics() - before;
  REQUIRE(done[Counter::messages_sent] == 0 && done[Counter::messages_received] == 0);
  REQUIRE(done[Counter::invalidations_sent] == 0 && done[Counter::fetches_sent] == 0);
  REQUIRE(done[Counter::twins] > 0 && done[Counter::diffs] > 0 && done[Counter::named_pages] > 0);
  REQUIRE(done[Counter::clean_miss_chains] == done[Counter::clean_misses]);
  REQUIRE(done[Counter::overrun_logs] == 0);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Strict, sequential and release memory in one program, ordered by the same lock.
NODE_SCENARIO(MixedConsistencies) {
  Node node = JoinOrDie();
  std::vector<std::span<uint64_t>> regions;
  for (const Consistency consistency :
       {Consistency::kRelease, Consistency::kStrict, Consistency::kSequential}) {
    const std::string name = "region " + std::to_string(static_cast<int>(consistency));
    regions.push_back(
        AllocateOrDie<uint64_t>(node, name.c_str(), 3 * kPageWords, {.consistency = consistency}));
  }
  Mutex mutex = MutexOrDie(node, "m");
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 200);
  REQUIRE_OK(node.Barrier());
  for (uint64_t round = 0; round < rounds; ++round) {
    std::lock_guard lock(mutex);
    const size_t word = round * 37 % (3 * kPageWords);
    const uint64_t expected = Load(regions[0][word]);
    for (std::span<uint64_t> region : regions) {
      REQUIRE(Load(region[word]) == expected);
      Store(region[word], expected + 1);
    }
  }
  REQUIRE_OK(node.Barrier());
  uint64_t sum = 0;
  for (uint64_t word : regions[0]) sum += word;
  REQUIRE(sum == rounds * node.size());
  REQUIRE_OK(node.Barrier());
  return 0;
}

// A random program without data races: words belong to locks, or to one node until the next
// barrier. What every read must return is known: by what has last been written under the lock,
// which is kept in memory that is never cached, and by the number of the phase.
class RandomProgram {
 public:
  static constexpr size_t kLocks = 4;
  static constexpr size_t kPages = 24;

  RandomProgram(Node& node, uint64_t seed)
      : node_(node),
        seed_(seed),
        locked_(Released(node, "locked words", kPages, Placement::kCyclic)),
        phased_(Released(node, "words of phases", kPages, Placement::kCyclic)) {
    for (size_t lock = 0; lock < kLocks; ++lock) {
      locks_.push_back(MutexOrDie(node, "lock " + std::to_string(lock)));
    }
    absl::StatusOr<AtomicArray<uint64_t>> truth =
        node.MakeAtomicArray<uint64_t>("truth", locked_.size());
    REQUIRE_OK(truth.status());
    truth_ = std::make_unique<AtomicArray<uint64_t>>(*truth);
  }

  void Run(uint32_t threads, uint64_t phases, uint64_t operations) {
    REQUIRE_OK(node_.Barrier());
    for (uint64_t phase = 1; phase <= phases; ++phase) {
      std::vector<std::thread> others;
      for (uint32_t thread = 0; thread < threads; ++thread) {
        others.emplace_back([=, this] { RunThread(phase, thread, threads, operations); });
      }
      for (std::thread& other : others) other.join();
      REQUIRE_OK(node_.Barrier());
    }
  }

 private:
  // Who writes a word in a phase, and what.
  uint64_t Hash(uint64_t phase, uint64_t word) const {
    uint64_t hash = seed_ * 0x9E37'79B9'7F4A'7C15u + phase * 0xC2B2'AE3D'27D4'EB4Fu + word;
    hash ^= hash >> 29;
    hash *= 0xBF58'476D'1CE4'E5B9u;
    return hash ^ hash >> 32;
  }
  // Few words change in a phase, and none in the first.
  bool Changes(uint64_t phase, uint64_t word) const {
    return phase > 0 && Hash(phase, word) % 5 == 0;
  }
  uint64_t ValueAfter(uint64_t phase, uint64_t word) const {
    while (phase > 0 && !Changes(phase, word)) --phase;
    return phase == 0 ? 0 : Hash(phase, word) >> 3 | 1;
  }
  bool Mine(uint64_t phase, uint64_t word, uint32_t thread, uint32_t threads) const {
    const uint64_t owner = Hash(phase, word) / 5 % (node_.size() * threads);
    return Changes(phase, word) && owner == node_.id() * threads + thread;
  }

  void RunThread(uint64_t phase, uint32_t thread, uint32_t threads, uint64_t operations) {
    std::seed_seq seed = {seed_, phase, uint64_t{node_.id()}, uint64_t{thread}};
    std::mt19937_64 random(seed);
    for (size_t word = 0; word < phased_.size(); ++word) {
      if (Mine(phase, word, thread, threads)) Store(phased_[word], ValueAfter(phase, word));
    }
    for (uint64_t operation = 0; operation < operations; ++operation) {
      const uint64_t word = random() % phased_.size();
      // Others may be writing those that change.
      if (!Changes(phase, word) || Mine(phase, word, thread, threads)) {
        REQUIRE(Load(phased_[word]) == ValueAfter(phase, word));
      }
      if (random() % 8 == 0) VisitLocked(random);
    }
  }

  void VisitLocked(std::mt19937_64& random) {
    const size_t lock = random() % kLocks;
    std::lock_guard held(locks_[lock]);
    const uint64_t words = 1 + random() % 4;
    for (uint64_t visit = 0; visit < words; ++visit) {
      const size_t word = random() % (locked_.size() / kLocks) * kLocks + lock;
      const uint64_t value = Load(locked_[word]);
      if (value != truth_->load(word)) {
        std::fprintf(stderr, "seed %llu: word %zu is %llu, not %llu\n",
                     static_cast<unsigned long long>(seed_), word,
                     static_cast<unsigned long long>(value),
                     static_cast<unsigned long long>(truth_->load(word)));
        REQUIRE(false);
      }
      if (random() % 2 == 0) {
        Store(locked_[word], value + 1);
        truth_->store(word, value + 1);
      }
    }
  }

  Node& node_;
  const uint64_t seed_;
  const std::span<uint64_t> locked_;
  const std::span<uint64_t> phased_;
  std::vector<Mutex> locks_;
  std::unique_ptr<AtomicArray<uint64_t>> truth_;
};

NODE_SCENARIO(RandomReleasedProgram) {
  Node node = JoinOrDie();
  RandomProgram program(node, Amount("FARPAGE_TEST_SEED", 1));
  program.Run(static_cast<uint32_t>(Amount("FARPAGE_TEST_THREADS", 1)),
              Amount("FARPAGE_TEST_PHASES", 12), Amount("FARPAGE_TEST_ROUNDS", 400));
  if (Amount("FARPAGE_TEST_OVERRUNS", 0) != 0) {
    absl::StatusOr<Statistics> sum = node.ClusterStatistics();
    REQUIRE_OK(sum.status());
    REQUIRE((*sum)[Counter::overrun_logs] > 0);
  }
  return 0;
}

// A log of 512 notices, and a reader who falls behind by more.
NODE_SCENARIO(ReaderFallsBehind) {
  Node node = JoinOrDie();
  constexpr size_t kPages = 1200;
  std::span<uint64_t> memory = Released(node, "memory", kPages, Placement::kOneHome);
  Mutex mutex = MutexOrDie(node, "m");
  std::span<uint64_t> own = Released(node, "own", node.size());
  for (size_t page = 0; page < kPages; page += 2) REQUIRE(Load(memory[page * kPageWords]) == 0);
  Store(own[node.id() * kPageWords], 17);
  REQUIRE_OK(node.Barrier());
  if (node.id() == 0) {
    for (size_t page = 0; page < kPages; page += 2) {  // apart, so that no two share a notice
      Store(memory[page * kPageWords], page + 1);
      std::lock_guard lock(mutex);
    }
  }
  Store(own[node.id() * kPageWords + 1], 18);
  REQUIRE_OK(node.Barrier());
  for (size_t page = 0; page < kPages; page += 2) {
    REQUIRE(Load(memory[page * kPageWords]) == page + 1);
  }
  REQUIRE(Load(own[node.id() * kPageWords]) == 17);
  REQUIRE(Load(own[node.id() * kPageWords + 1]) == 18);
  const uint64_t overruns = node.statistics()[Counter::overrun_logs];
  // A second one if this node was so slow to read the notices of the first barrier.
  REQUIRE(node.id() == 0 ? overruns == 0 : overruns >= 1);
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing
