#include "tests/litmus/control.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace farpage::litmus {
namespace {

constexpr size_t kHeaderBytes = 64;
static_assert(sizeof(RunOptions) <= kHeaderBytes);

// Spins, lets others run, then sleeps between looks: threads outnumber processors.
template <typename Condition>
void Await(Condition holds, const char* what) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  for (int turn = 0; !holds(); ++turn) {
    if (turn < 100) continue;
    sched_yield();
    if (turn % 16 != 0) continue;
    const auto waited = Clock::now() - start;
    if (waited > std::chrono::microseconds(300)) {
      constexpr timespec kNap{0, 50'000};
      nanosleep(&kNap, nullptr);
    }
    if (waited > std::chrono::minutes(1)) {
      std::fprintf(stderr, "waited a minute for %s\n", what);
      std::exit(3);
    }
  }
}

}  // namespace

Control Control::Create(const RunOptions& options) {
  const Sweep sweep(options.rounds, options.cold_rounds);
  history::SharedFile file = history::SharedFile::Create(Bytes(sweep));
  std::memcpy(file.data(), &options, sizeof(options));
  return Control(std::move(file));
}

Control Control::Open(const std::string& path) { return Control(history::SharedFile::Open(path)); }

Control::Control(history::SharedFile file)
    : file_(std::move(file)), sweep_(options().rounds, options().cold_rounds) {
  size_t rounds = 0;
  for (const Cell& cell : sweep_.cells()) {
    first_round_.push_back(rounds);
    rounds += cell.rounds;
  }
}

size_t Control::Bytes(const Sweep& sweep) {
  size_t bytes = kHeaderBytes;
  for (const Cell& cell : sweep.cells()) bytes += sizeof(Meeting) + cell.rounds * kRoundBytes;
  return bytes;
}

Control::Meeting& Control::MeetingOf(uint32_t cell) const {
  return reinterpret_cast<Meeting*>(file_.data() + kHeaderBytes)[cell];
}

uint8_t* Control::RoundData(uint32_t cell, uint32_t round) const {
  std::byte* rounds = file_.data() + kHeaderBytes + sweep_.cells().size() * sizeof(Meeting);
  return reinterpret_cast<uint8_t*>(rounds) + (first_round_[cell] + round) * kRoundBytes;
}

void Control::AwaitStart(uint32_t cell, uint32_t round) {
  std::atomic<uint32_t>& arrivals = MeetingOf(cell).arrivals;
  const uint32_t all = (round + 1) * sweep_.cells()[cell].threads();
  arrivals.fetch_add(1);
  Await([&] { return arrivals.load() >= all; }, "the other threads to start");
}

void Control::TellEnd(uint32_t cell, uint32_t round, uint32_t thread) {
  MeetingOf(cell).ends[thread].store(round + 1, std::memory_order_release);
}

void Control::AwaitEnd(uint32_t cell, uint32_t round, uint32_t thread) {
  const std::atomic<uint32_t>& ends = MeetingOf(cell).ends[thread];
  Await([&] { return ends.load(std::memory_order_acquire) > round; }, "another thread to end");
}

// A byte per read, one more than the value, so that 0 is a read that never ended.
void Control::Keep(uint32_t cell, uint32_t round, uint32_t thread,
                   std::span<const uint64_t> values) {
  uint8_t* data = RoundData(cell, round) + static_cast<size_t>(thread) * kMostReads;
  for (size_t read = 0; read < values.size(); ++read) {
    data[read] = static_cast<uint8_t>(std::min<uint64_t>(values[read], 254) + 1);
  }
}

std::optional<Values> Control::Outcome(uint32_t cell, uint32_t round) const {
  const Program& program = sweep_.cells()[cell].shape_data().program;
  const uint8_t* data = RoundData(cell, round);
  Values outcome;
  for (size_t thread = 0; thread < program.threads.size(); ++thread) {
    size_t read = 0;
    for (const Access& access : program.threads[thread]) {
      if (access.write) continue;
      const uint8_t kept = data[thread * kMostReads + read++];
      if (kept == 0) return std::nullopt;
      outcome.push_back(kept - uint64_t{1});
    }
  }
  return outcome;
}

}  // namespace farpage::litmus
