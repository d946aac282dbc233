// How the threads of a test of synchronisation run, whatever the memory, and in which situations.
#ifndef FARPAGE_TESTS_LITMUS_SYNC_RUN_H_
#define FARPAGE_TESTS_LITMUS_SYNC_RUN_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "tests/litmus/sync_shape.h"

namespace farpage::litmus {

// Thread t of a shape runs on node t. One more node takes part in no shape.
inline constexpr uint32_t kSyncNodes = kMostSyncThreads + 1;

// What the nodes have of the page when a round begins.
enum class History : uint8_t {
  kUntouched,  // nothing
  kCopies,     // every node has read the word
  kRewritten,  // every node has written other words of the page, in every round before
};
inline constexpr uint32_t kHistories = 3;
const char* Name(History history);

struct SyncCell {
  uint32_t shape = 0;  // index in SyncShapes()
  uint32_t home = 0;   // of the page; kSyncNodes − 1 is the bystander
  History history = History::kUntouched;

  const SyncShape& shape_data() const { return SyncShapes()[shape]; }
  std::string Describe() const;
};
inline constexpr uint32_t kSyncShapes = 7;
inline constexpr uint32_t kSyncCells = kSyncShapes * kSyncNodes * kHistories;
SyncCell SyncCellOf(uint32_t number);  // below kSyncCells
// Whether its home is a node of the shape, or the bystander; else it would be a bystander too.
bool IsDistinct(const SyncCell& cell);

// Where a cell's word lies in a round: every round has a word of its own, which is 0. There is a
// region for each home. The last words of a page are the nodes' own, one each.
inline constexpr uint32_t kSyncPageWords = 512;
inline constexpr uint32_t kMostSyncRounds = kSyncPageWords - kSyncNodes;  // at most, of a cell
uint64_t SyncPages(uint32_t rounds);
uint64_t SyncWord(uint32_t cell, uint32_t round, uint32_t rounds);
uint64_t OwnWord(uint64_t word, uint32_t node);

// One node's way to memory and synchronisation.
class SyncMachine {
 public:
  virtual ~SyncMachine() = default;
  virtual uint64_t Load(uint64_t word) = 0;
  virtual void Store(uint64_t word, uint64_t value) = 0;
  virtual void Lock(uint32_t lock) = 0;
  virtual void Unlock(uint32_t lock) = 0;
  virtual void Barrier() = 0;
  virtual void Delay(int64_t ns) = 0;
  // Not through the memory, nor through its synchronisation. Steps since the machine was made.
  virtual void TellSteps(uint64_t steps) = 0;
  virtual void AwaitSteps(uint32_t node, uint64_t steps) = 0;
};

// One round of a cell on one node, the bystander included. Returns what the load returned, on the
// node that loads. `steps` is what the nodes have told so far: the same on all, kept by the caller.
std::optional<uint64_t> RunSyncRound(uint32_t cell, uint32_t round, uint32_t rounds, uint32_t node,
                                     SyncMachine& machine, std::minstd_rand& random,
                                     int64_t longest_delay_ns, uint64_t& steps);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SYNC_RUN_H_
