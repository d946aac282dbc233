#include "tests/litmus/litmus_node.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <span>
#include <thread>

#include "tests/litmus/control.h"
#include "tests/litmus/machine.h"
#include "tests/runtime/scenario.h"

namespace farpage::litmus {
namespace {

constexpr uint32_t kConsistencies = 2;

// The memory under test: a region for each consistency and home.
using Regions = std::array<std::array<std::span<uint64_t>, kNodes>, kConsistencies>;

Regions AllocateAll(Node& node, uint64_t pages) {
  Regions regions;
  for (uint32_t consistency = 0; consistency < kConsistencies; ++consistency) {
    for (uint32_t home = 0; home < kNodes; ++home) {
      const std::string name =
          "consistency " + std::to_string(consistency) + ", home " + std::to_string(home);
      regions[consistency][home] =
          testing::AllocateOrDie<uint64_t>(node, name.c_str(), pages * kPageWords,
                                           {.consistency = static_cast<Consistency>(consistency),
                                            .placement = farpage::Placement::kOneHome,
                                            .home = home});
    }
  }
  return regions;
}

// Plain loads and stores, as a program makes them.
class PlainMemory final : public Machine {
 public:
  PlainMemory(Control& control, const Regions& regions, uint32_t cell, uint32_t round,
              uint32_t thread)
      : control_(control), cell_(cell), round_(round), thread_(thread) {
    const Cell& about = control.sweep().cells()[cell];
    for (uint32_t location = 0; location < about.shape_data().program.locations(); ++location) {
      const Word word = control.sweep().Locate(about, round, location);
      volatile uint64_t* page =
          &regions[static_cast<size_t>(about.consistency)][word.home][word.page * kPageWords];
      words_[location] = page + word.index;
      spares_[location] = page + kSpareWord;
    }
  }

  // Leaves the pages as the cell wants them.
  void Prepare() {
    const Cell& about = control_.sweep().cells()[cell_];
    const bool holds = (about.warmth == Warmth::kFirstHolds && thread_ == 0) ||
                       (about.warmth == Warmth::kLastHolds && thread_ + 1 == about.threads());
    for (uint32_t location = 0; location < about.shape_data().program.locations(); ++location) {
      if (holds) *spares_[location] = round_ + 1;
      if (about.warmth == Warmth::kShared) static_cast<void>(*words_[location]);
    }
  }

  uint64_t Load(uint32_t location) override { return *words_[location]; }
  void Store(uint32_t location, uint64_t value) override { *words_[location] = value; }
  // A long delay leaves the processor to the threads that it is to let pass.
  void Delay(int64_t ns) override {
    if (ns > 20'000) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
      return;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(ns);
    while (std::chrono::steady_clock::now() < end) {
    }
  }
  // For a read that returned what the program never writes: all that is in the pages now.
  void PrintPages() const {
    const Cell& about = control_.sweep().cells()[cell_];
    for (uint32_t location = 0; location < about.shape_data().program.locations(); ++location) {
      const volatile uint64_t* page = spares_[location] - kSpareWord;
      std::fprintf(stderr, "node %u, %s, round %u, location %u at %p:", thread_,
                   about.Describe().c_str(), round_, location,
                   static_cast<const void*>(const_cast<const uint64_t*>(words_[location])));
      for (uint32_t index = 0; index < kPageWords; ++index) {
        const uint64_t value = page[index];
        if (value != 0)
          std::fprintf(stderr, " [%u]=%#llx", index, static_cast<unsigned long long>(value));
      }
      std::fprintf(stderr, "\n");
    }
  }
  void TellEnd() override { control_.TellEnd(cell_, round_, thread_); }
  void AwaitEnd(uint32_t thread) override { control_.AwaitEnd(cell_, round_, thread); }

 private:
  Control& control_;
  const uint32_t cell_;
  const uint32_t round_;
  const uint32_t thread_;
  std::array<volatile uint64_t*, kMostLocations> words_{};
  std::array<volatile uint64_t*, kMostLocations> spares_{};
};

void RunCell(Control& control, const Regions& regions, uint32_t number, uint32_t thread,
             std::minstd_rand& random) {
  const Cell& cell = control.sweep().cells()[number];
  const Program& program = cell.shape_data().program;
  size_t reads = 0;
  for (const Access& access : program.threads[thread]) reads += access.write ? 0 : 1;
  uint64_t greatest = 0;
  for (const std::vector<Access>& accesses : program.threads) {
    for (const Access& access : accesses) greatest = std::max(greatest, access.value);
  }
  std::array<uint64_t, kMostReads> values{};
  const std::span<uint64_t> seen(values.data(), reads);
  for (uint32_t round = 0; round < cell.rounds; ++round) {
    PlainMemory memory(control, regions, number, round, thread);
    memory.Prepare();
    constexpr std::array<int64_t, 5> kScales = {0, 1000, 100, 10, 1};
    const int64_t scale = kScales[random() % kScales.size()];
    const int64_t delay_ns = scale == 0 ? 0 : control.options().longest_delay_ns / scale;
    control.AwaitStart(number, round);
    RunThread(program, thread, memory, random, delay_ns, seen);
    control.Keep(number, round, thread, seen);
    for (const uint64_t value : seen) {
      if (value <= greatest) continue;
      std::fprintf(stderr, "node %u read %#llx, which nobody writes\n", thread,
                   static_cast<unsigned long long>(value));
      memory.PrintPages();
    }
  }
}

}  // namespace

int RunNode(const std::string& control_path) {
  Node node = testing::JoinOrDie();
  REQUIRE(node.size() == kNodes);
  Control control = Control::Open(control_path);
  const Regions regions = AllocateAll(node, control.sweep().pages());
  std::seed_seq seed = {control.options().seed, uint64_t{node.id()}};
  std::minstd_rand random(seed);
  REQUIRE_OK(node.Barrier());
  for (uint32_t number = 0; number < control.sweep().cells().size(); ++number) {
    if (node.id() < control.sweep().cells()[number].threads()) {
      RunCell(control, regions, number, node.id(), random);
    }
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace farpage::litmus
