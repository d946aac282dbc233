#include "tests/model/release_litmus.h"

#include <array>
#include <cstdio>
#include <vector>

#include "tests/model/release_explorer.h"
#include "tests/model/release_moves.h"

namespace farpage::release_model {
namespace {

struct Shape {
  const char* name;
  const char* what;
  bool may_miss;
  bool released;  // before the load
  Script script;
};

constexpr ScriptStep Lock(uint8_t lock, uint8_t after = 0, uint8_t steps = 0) {
  return {MoveKind::kLock, lock, 0, after, steps};
}
constexpr ScriptStep Unlock(uint8_t lock) { return {MoveKind::kUnlock, lock}; }
constexpr ScriptStep kStore{MoveKind::kStore};
constexpr ScriptStep kLoad{MoveKind::kLoad};
constexpr ScriptStep kBarrier{MoveKind::kBarrier};

// Thread 0 stores; the last thread loads, later than that, with a copy that may be old.
std::vector<Shape> Shapes() {
  return {
      {"S1",
       "written and read under one lock",
       false,
       true,
       {{{{Lock(0), kStore, Unlock(0)}, {Lock(0, 0, 3), kLoad, Unlock(0)}, {}}}}},
      {"S2",
       "written before acquiring L, read under L",
       false,
       true,
       {{{{kStore, Lock(0), Unlock(0)}, {Lock(0, 0, 3), kLoad, Unlock(0)}, {}}}}},
      {"S3",
       "written under L; another node takes L, then M; read under M",
       false,
       true,
       {{{{Lock(0), kStore, Unlock(0)},
          {Lock(0, 0, 3), Unlock(0), Lock(1), Unlock(1)},
          {Lock(1, 1, 4), kLoad, Unlock(1)}}}}},
      {"S4",
       "written under L and M, read under L only",
       false,
       true,
       {{{{Lock(0), Lock(1), kStore, Unlock(1), Unlock(0)},
          {Lock(0, 0, 5), kLoad, Unlock(0)},
          {}}}}},
      {"S5",
       "written before a barrier, read after it",
       false,
       true,
       {{{{kStore, kBarrier}, {kBarrier, kLoad}, {}}}}},
      {"S6",
       "written, then L acquired; another node acquires M and reads",
       true,
       false,
       {{{{kStore, Lock(0)}, {Lock(1, 0, 2), kLoad, Unlock(1)}, {}}}}},
      {"S8",
       "written under L, read under M",
       true,
       true,
       {{{{Lock(0), kStore, Unlock(0)}, {Lock(1, 0, 3), kLoad, Unlock(1)}, {}}}}},
  };
}

uint32_t NodesOf(const Script& script) { return script.threads[2].empty() ? 2 : 3; }

}  // namespace

int RunLitmus() {
  bool right = true;
  std::printf("%-3s %-62s %-9s %-22s %10s  %s\n", "", "", "release", "home", "states", "seen");
  for (const Shape& shape : Shapes()) {
    const uint32_t nodes = NodesOf(shape.script);
    for (uint32_t place = 0; place <= nodes; ++place) {
      Variant variant{.nodes = nodes, .bytes = 1, .locks = 2};
      variant.homes[0] = static_cast<uint8_t>(place == nodes ? Variant::kNobody : place);
      const Exploration result =
          Explore(variant, &directory::StepRelease, Fault::kNone, &shape.script);
      // What has been released is in the home's frame, where the home itself reads it.
      const bool at_reader = shape.released && place == nodes - 1;
      const bool as_expected = result.complete && result.seen_new &&
                               result.seen_missed == (shape.may_miss && !at_reader);
      right = right && as_expected;
      const std::array<const char*, 4> homes = {"node 0", "node 1", "node 2", "serves only"};
      std::printf("%-3s %-62s %-9s %-22s %10llu  %s%s%s\n", shape.name, shape.what,
                  shape.may_miss ? "may miss" : "must", homes[place == nodes ? 3 : place],
                  static_cast<unsigned long long>(result.states), result.seen_new ? "new" : "",
                  result.seen_missed ? " old" : "", as_expected ? "" : "  NOT AS EXPECTED");
      std::fflush(stdout);
    }
  }
  return right ? 0 : 1;
}

}  // namespace farpage::release_model
