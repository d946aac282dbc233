// What can happen next in a modelled world.
#ifndef FARPAGE_TESTS_MODEL_MOVES_H_
#define FARPAGE_TESTS_MODEL_MOVES_H_

#include <cstdint>
#include <vector>

#include "tests/model/executor.h"
#include "tests/model/world.h"

namespace farpage::model {

enum class MoveKind : uint8_t {
  kRead,  // a thread of `node` wants to read, or still does
  kWrite,
  kStore,  // a thread of `node` stores through its writable mapping
  kEvict,
  kResult,  // `node` sees the result of its chain; option: kAhead
  kHoldOver,
  kContinue,     // `node` carries out effects that were pending
  kExecute,      // the home executes the first operation that `node` has posted
  kOvertake,     // Fault::kPagesOnOtherQueue: the atomic behind a WRITE executes first
  kDeliver,      // `node` receives the first message from `peer`; options: kHeld, kCannotDefer
  kStop,         // `node` stops for ever
  kStopHome,     // the passive home does
  kLoseQueue,    // what the stopped `node` had posted is lost
  kLearn,        // `node` is told that `peer` has stopped
  kChainFailed,  // `node` is told that the home has stopped, by its chain
};

struct Move {
  static constexpr uint8_t kAhead = 1;  // nobody waits for the page (any more)
  static constexpr uint8_t kHeld = 1;
  static constexpr uint8_t kCannotDefer = 2;

  MoveKind kind;
  uint8_t node = 0;
  uint8_t peer = 0;
  uint8_t option = 0;

  // Whether it brings what was begun nearer to its end: no new access, eviction or failure, and
  // nothing that gives up because nobody waits.
  bool IsProgress(const World& before) const;
};

// Replaces `moves` by those that are possible.
void ListMoves(const World& world, const Executor& executor, std::vector<Move>& moves);

// Makes a possible move. What is wrong with it, if anything, is then executor.finding(). False if
// nothing has changed.
bool Make(const Move& move, World& world, Executor& executor);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_MOVES_H_
