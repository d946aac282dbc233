// What a node does in tests/runtime/stress.cc: random reads, writes, locked updates, atomics and
// barriers, each value checked, while some node may be killed at any moment. What it gets from then
// on is a right value or an error, which it prints; a wrong value ends it with status 1.
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kPages = 24;
constexpr size_t kWords = 512;      // in a page
constexpr size_t kWordsAtOnce = 8;  // looked at in one access
constexpr int kBarriers = 60;       // unless a node dies before
constexpr int kStepsToBarrier = 12;
constexpr int kStepsAfterDeath = 200;  // goes on alone for a while
constexpr int kOwnerShift = 48;        // a word is its owner and a count

class Worker {
 public:
  Worker(Node& node, uint64_t seed) : node_(node), random_(seed * 64 + node.id()) {}

  // False with what a node says that learns of a death while it sets up.
  bool SetUp() {
    auto words =
        node_.Allocate<uint64_t>("words", kPages * kWords, {.placement = Placement::kCyclic});
    if (!words.ok()) return Told("allocate", words.status());
    words_ = *words;
    auto pair = node_.Allocate<uint64_t>("pair", 2 * kWords, {.placement = Placement::kCyclic});
    if (!pair.ok()) return Told("allocate", pair.status());
    pair_ = *pair;
    auto mutex = node_.MakeMutex("pair");
    if (!mutex.ok()) return Told("mutex", mutex.status());
    mutex_.emplace(*std::move(mutex));
    auto counts = node_.MakeAtomicArray<uint64_t>("counts", node_.size());
    if (!counts.ok()) return Told("atomics", counts.status());
    counts_.emplace(*std::move(counts));
    return true;
  }

  void Work() {
    for (int barrier = 0; barrier < kBarriers && alive_; ++barrier) {
      for (int step = 0; step < kStepsToBarrier && alive_; ++step) Step();
      if (alive_) Check("barrier", node_.Barrier());
    }
    if (alive_) return;
    for (int step = 0; step < kStepsAfterDeath; ++step) Step();
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  bool Told(const char* what, const absl::Status& status) {
    const bool death = status.code() == absl::StatusCode::kUnavailable;
    if (errors_++ < 4 || !death) {
      std::printf("%s: %s: %s\n", death ? "error" : "wrong", what, status.ToString().c_str());
      std::fflush(stdout);
    }
    REQUIRE(death);
    alive_ = false;
    return false;
  }
  bool Check(const char* what, const absl::Status& status) {
    return status.ok() || Told(what, status);
  }

  void Step() {
    const size_t what = Below(8);
    if (what < 4) {
      Read();
    } else if (what < 6) {
      Write();
    } else if (what == 6) {
      CountAtomically();
    } else if (alive_) {
      UpdatePair();
    }
  }

  // Words of others never go back; own words are as this node left them.
  void Look(size_t word) {
    const uint64_t value = words_[word];
    const uint64_t owner = word % node_.size();
    const uint64_t seen = seen_[word];
    const bool right = owner == node_.id() ? value == seen : value >= seen;
    if (value != 0 && (value >> kOwnerShift != owner + 1 || !right)) {
      std::printf("wrong: word %zu of node %" PRIu64 " is %" PRIx64 ", was %" PRIx64 "\n", word,
                  owner, value, seen);
      REQUIRE(false);
    }
    REQUIRE(value != 0 || seen == 0);
    seen_[word] = value;
  }

  void Read() {
    const size_t page = Below(kPages);
    const auto pinned = node_.Pin(&words_[page * kWords], kWords * 8, Access::kRead);
    if (!Check("read", pinned.status())) return;
    for (size_t i = 0; i < kWordsAtOnce; ++i) Look(page * kWords + Below(kWords));
  }

  void Write() {
    const size_t page = Below(kPages);
    const auto pinned = node_.Pin(&words_[page * kWords], kWords * 8, Access::kWrite);
    if (!Check("write", pinned.status())) return;
    for (size_t i = 0; i < kWordsAtOnce; ++i) {
      const size_t word = page * kWords + Below(kWords / 4) * node_.size() % kWords + node_.id();
      Look(word);
      const uint64_t count = (words_[word] & ((uint64_t{1} << kOwnerShift) - 1)) + 1;
      words_[word] = uint64_t{node_.id() + 1} << kOwnerShift | count;
      seen_[word] = words_[word];
    }
  }

  // Two words on two pages that are the same whenever the lock is free.
  void UpdatePair() {
    if (!Check("lock", mutex_->Lock())) return;
    {
      const auto first = node_.Pin(pair_.data(), 8, Access::kWrite);
      const auto second = node_.Pin(&pair_[kWords], 8, Access::kWrite);
      if (Check("pair", first.status()) && Check("pair", second.status())) {
        REQUIRE(pair_[0] == pair_[kWords]);
        ++pair_[0];
        ++pair_[kWords];
      }
    }
    Check("unlock", mutex_->Unlock());
  }

  void CountAtomically() {
    try {
      REQUIRE(counts_->fetch_add(node_.id(), 1) == counted_);
      ++counted_;
    } catch (const std::system_error& error) {
      REQUIRE(error.code() == std::errc::host_unreachable);
      alive_ = false;
    }
  }

  Node& node_;
  std::mt19937_64 random_;
  std::span<uint64_t> words_;
  std::span<uint64_t> pair_;
  std::optional<Mutex> mutex_;
  std::optional<AtomicArray<uint64_t>> counts_;
  std::array<uint64_t, kPages * kWords> seen_{};
  uint64_t counted_ = 0;
  int errors_ = 0;
  bool alive_ = true;  // all nodes, as far as this one knows
};

NODE_SCENARIO(SurviveKills) {
  absl::StatusOr<Node> node = Node::Join();
  if (!node.ok()) {
    std::printf("error: join: %s\n", node.status().ToString().c_str());
    return node.status().code() == absl::StatusCode::kUnavailable ? 0 : 1;
  }
  const auto worker = std::make_unique<Worker>(*node, Amount("FARPAGE_TEST_SEED", 1));
  if (worker->SetUp()) worker->Work();
  // Who leaves is gone for the others as well, and their errors would name it: all leave together.
  std::printf("done\n");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace
}  // namespace farpage::testing
