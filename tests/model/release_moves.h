// What can happen next in a modelled cluster with release consistency.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_MOVES_H_
#define FARPAGE_TESTS_MODEL_RELEASE_MOVES_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/release_machine.h"
#include "tests/model/release_world.h"

namespace farpage::release_model {

enum class MoveKind : uint8_t {
  kTouch,       // a thread of `node` faults; option: to write
  kFetched,     // `node` maps what has landed
  kFetchFails,  // … has waited for too long
  kEvict,
  kPin,
  kUnpin,
  kContinue,  // effects that were pending
  kStore,     // to byte `option`
  kLoad,      // litmus tests; elsewhere every load that is possible is checked in every state
  kExecute,   // operation `option` that `node` has posted
  kLock,      // `page` is the lock
  kUnlock,    // … option: a page that is not modelled was written too
  kBarrier,   // option: as above
  kAdvance,   // the next piece of an acquire or release
};

struct Move {
  MoveKind kind;
  uint8_t node = 0;
  uint8_t page = 0;
  uint8_t option = 0;

  // Brings what was begun nearer to its end.
  bool IsProgress(const World& before) const;
};
std::string Describe(const Move& move);

// A litmus test's thread, step by step. A step waits until thread `after` has made `steps` steps:
// an order in time, which the protocol knows nothing of.
struct ScriptStep {
  MoveKind kind;
  uint8_t page = 0;    // or the lock
  uint8_t option = 0;  // the byte
  uint8_t after = 0;
  uint8_t steps = 0;
};
struct Script {
  std::array<std::vector<ScriptStep>, kMostNodes> threads;
};

// Replaces `moves` by those that are possible. Without a script the program is free within the
// variant's limits.
void ListMoves(const World& world, const Machine& machine, const Script* script,
               std::vector<Move>& moves);

// Makes a possible move and normalises the world. What is wrong with it is machine.finding().
void Make(const Move& move, World& world, Machine& machine, const Script* script);

// Nothing has been begun that has not ended.
bool AtRest(const World& world, const Variant& variant);

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_MOVES_H_
