#include "tests/model/release_litmus.h"

#include <array>
#include <cstdio>
#include <vector>

#include "tests/litmus/sync_shape.h"
#include "tests/model/release_explorer.h"
#include "tests/model/release_moves.h"

namespace farpage::release_model {
namespace {

// The node of the model that is to load has a copy, which may be old.
Script ScriptOf(const litmus::SyncShape& shape) {
  static constexpr std::array<MoveKind, 5> kMoves = {
      MoveKind::kStore, MoveKind::kLoad, MoveKind::kLock, MoveKind::kUnlock, MoveKind::kBarrier};
  Script script;
  for (size_t thread = 0; thread < shape.threads.size(); ++thread) {
    for (const litmus::SyncStep& step : shape.threads[thread]) {
      script.threads[thread].push_back({.kind = kMoves[static_cast<size_t>(step.kind)],
                                        .page = step.lock,
                                        .after = step.after,
                                        .steps = step.steps});
    }
  }
  return script;
}

}  // namespace

int RunLitmus() {
  bool right = true;
  std::printf("%-3s %-62s %-9s %-22s %10s  %s\n", "", "", "release", "home", "states", "seen");
  for (const litmus::SyncShape& shape : litmus::SyncShapes()) {
    const uint32_t nodes = shape.nodes();
    const Script script = ScriptOf(shape);
    for (uint32_t place = 0; place <= nodes; ++place) {
      Variant variant{.nodes = nodes, .bytes = 1, .locks = 2};
      variant.homes[0] = static_cast<uint8_t>(place == nodes ? Variant::kNobody : place);
      const Exploration result = Explore(variant, &directory::StepRelease, Fault::kNone, &script);
      const bool as_expected =
          result.complete && result.seen_new && result.seen_missed == (shape.MayMissAt(place));
      right = right && as_expected;
      const std::array<const char*, 4> homes = {"node 0", "node 1", "node 2", "serves only"};
      std::printf("%-3s %-62s %-9s %-22s %10llu  %s%s%s\n", shape.name, shape.text,
                  shape.may_miss ? "may miss" : "must", homes[place == nodes ? 3 : place],
                  static_cast<unsigned long long>(result.states), result.seen_new ? "new" : "",
                  result.seen_missed ? " old" : "", as_expected ? "" : "  NOT AS EXPECTED");
      std::fflush(stdout);
    }
  }
  return right ? 0 : 1;
}

}  // namespace farpage::release_model
