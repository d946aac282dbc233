#include "tests/litmus/sync_run.h"

#include <array>

namespace farpage::litmus {

const char* Name(History history) {
  static constexpr std::array<const char*, kHistories> kNames = {"untouched", "copies everywhere",
                                                                 "written again and again"};
  return kNames[static_cast<size_t>(history)];
}

std::string SyncCell::Describe() const {
  return std::string(shape_data().name) + ", home " + std::to_string(home) + ", " + Name(history);
}

SyncCell SyncCellOf(uint32_t number) {
  return {.shape = number / (kSyncNodes * kHistories),
          .home = number / kHistories % kSyncNodes,
          .history = static_cast<History>(number % kHistories)};
}

bool IsDistinct(const SyncCell& cell) {
  return cell.home < cell.shape_data().nodes() || cell.home == kSyncNodes - 1;
}

uint64_t SyncPages(uint32_t rounds) { return uint64_t{kSyncCells} * rounds; }

uint64_t SyncWord(uint32_t cell, uint32_t round, uint32_t rounds) {
  const bool untouched = SyncCellOf(cell).history == History::kUntouched;
  const uint64_t page = uint64_t{cell} * rounds + (untouched ? round : 0);
  return page * kSyncPageWords + (untouched ? 0 : round);
}

uint64_t OwnWord(uint64_t word, uint32_t node) {
  return word / kSyncPageWords * kSyncPageWords + kMostSyncRounds + node;
}

std::optional<uint64_t> RunSyncRound(uint32_t cell, uint32_t round, uint32_t rounds, uint32_t node,
                                     SyncMachine& machine, std::minstd_rand& random,
                                     int64_t longest_delay_ns, uint64_t& steps) {
  const SyncCell about = SyncCellOf(cell);
  const SyncShape& shape = about.shape_data();
  const uint64_t word = SyncWord(cell, round, rounds);
  // All that was written in other rounds is seen by all.
  machine.Barrier();
  if (about.history == History::kRewritten) machine.Store(OwnWord(word, node), round + 1);
  if (about.history != History::kUntouched) static_cast<void>(machine.Load(word));
  machine.TellSteps(++steps);
  for (uint32_t other = 0; other < kSyncNodes; ++other) machine.AwaitSteps(other, steps);

  std::optional<uint64_t> value;
  const uint64_t begin = steps;
  steps += kSyncPageWords;  // more than any thread has
  if (node >= shape.nodes()) {
    for (uint32_t barrier = 0; barrier < shape.barriers(); ++barrier) machine.Barrier();
    machine.TellSteps(steps);
    return value;
  }
  for (size_t at = 0; at < shape.threads[node].size(); ++at) {
    const SyncStep& step = shape.threads[node][at];
    if (step.steps != 0) machine.AwaitSteps(step.after, begin + step.steps);
    if (longest_delay_ns > 0) {
      machine.Delay(static_cast<int64_t>(random()) % (longest_delay_ns + 1));
    }
    switch (step.kind) {
      case SyncKind::kStore:
        machine.Store(word, 1);
        break;
      case SyncKind::kLoad:
        value = machine.Load(word);
        break;
      case SyncKind::kLock:
        machine.Lock(step.lock);
        break;
      case SyncKind::kUnlock:
        machine.Unlock(step.lock);
        break;
      case SyncKind::kBarrier:
        machine.Barrier();
        break;
    }
    machine.TellSteps(begin + at + 1);
  }
  machine.TellSteps(steps);
  return value;
}

}  // namespace farpage::litmus
