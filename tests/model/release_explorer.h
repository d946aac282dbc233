// Visits every state of a modelled cluster with release consistency, breadth first.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_EXPLORER_H_
#define FARPAGE_TESTS_MODEL_RELEASE_EXPLORER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/release_machine.h"
#include "tests/model/release_moves.h"
#include "tests/model/release_world.h"

namespace farpage::release_model {

struct Exploration {
  uint64_t states = 0;
  uint64_t transitions = 0;
  uint32_t depth = 0;
  bool complete = false;  // all states were visited
  std::optional<Finding> finding;
  std::vector<std::string> trace;  // what leads to it, a step a line, and the state at the end
  size_t trace_steps = 0;
  Coverage coverage{};
  // With a script, over all states in which all its threads have ended: somebody's load missed the
  // store that it was to see; nobody's did.
  bool seen_missed = false;
  bool seen_new = false;
};

// Single-threaded; about 20 bytes per state and 60 per state whose successors are to be found.
// Without a script, states are also checked for what the last write before each possible load is.
Exploration Explore(const Variant& variant, const StepFunction& step, Fault fault,
                    const Script* script = nullptr, uint64_t most_states = 1'000'000'000);

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_EXPLORER_H_
