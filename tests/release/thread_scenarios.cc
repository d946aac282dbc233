// Threads of one node that write to one page while one of them releases.
#include <atomic>
#include <cstdint>
#include <random>
#include <span>
#include <thread>

#include "tests/release/release_memory.h"
#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

void Spin(uint64_t turns) {
  for (volatile uint64_t turn = 0; turn < turns;) turn = turn + 1;
}

// A release tells of what its thread has written, whatever other threads do to the same page in the
// meantime, and also if the home has just stopped having the kernel note writes there.
NODE_SCENARIO(ReleasedBesideAnotherWriter) {
  constexpr size_t kStretches = 256;
  constexpr size_t kStretchPages = 64;  // that are watched, or not, together
  constexpr int kUntilQuiet = 8;        // releases without a write, after which they are not
  // Pages that are written often are treated otherwise: none is here.
  constexpr size_t kSharedPages = 8;  // of the first stretch, in turn
  constexpr size_t kWakers = 4;       // pages of a stretch that have it watched, others each round
  Node node = JoinOrDie();
  std::span<uint64_t> pages = AllocateOrDie<uint64_t>(
      node, "pages", kStretches * kStretchPages * kPageWords,
      {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = 0});
  Mutex mutex = MutexOrDie(node, "m");
  absl::StatusOr<Flag> told = node.MakeFlag("told", 1);
  REQUIRE_OK(told.status());
  absl::StatusOr<Flag> answered = node.MakeFlag("answered", 0);
  REQUIRE_OK(answered.status());
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 60);
  const auto shared = [&](uint64_t round) { return &pages[round % kSharedPages * kPageWords]; };
  REQUIRE_OK(node.Barrier());
  if (node.id() == 1) {
    for (uint64_t round = 1; round <= rounds; ++round) {
      REQUIRE_OK(told->WaitUntil(round).status());
      REQUIRE(Load(shared(round)[0]) == round);
      REQUIRE_OK(answered->Set(round));
    }
  }
  if (node.id() == 0) {
    std::atomic<uint64_t> go{0};
    std::atomic<uint64_t> gone{0};
    std::thread other([&] {
      std::mt19937 random(1);
      for (uint64_t round = 1; round <= rounds; ++round) {
        while (go.load() < round) Spin(1);
        Spin(random() % 150'000);
        Store(shared(round)[1], round);
        gone.store(round);
      }
    });
    for (uint64_t round = 1; round <= rounds; ++round) {
      for (size_t stretch = 0; stretch < kStretches; ++stretch) {
        const size_t turn = round % ((kStretchPages - kSharedPages) / kWakers);
        const size_t first = stretch * kStretchPages + kSharedPages + turn * kWakers;
        for (size_t page = first; page < first + kWakers; ++page) {
          Store(pages[page * kPageWords], round);
        }
      }
      for (int release = 0; release <= kUntilQuiet; ++release) {
        REQUIRE_OK(mutex.Lock());
        REQUIRE_OK(mutex.Unlock());
      }
      Store(shared(round)[0], round);
      go.store(round);
      REQUIRE_OK(told->Set(round));
      REQUIRE_OK(answered->WaitUntil(round).status());
      while (gone.load() < round) std::this_thread::yield();
    }
    other.join();
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing
