// Visits every state of a modelled cluster, breadth first, so that the first error has the shortest
// history.
#ifndef FARPAGE_TESTS_MODEL_EXPLORER_H_
#define FARPAGE_TESTS_MODEL_EXPLORER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/model/executor.h"
#include "tests/model/property.h"
#include "tests/model/variant.h"

namespace farpage::model {

struct Limits {
  uint64_t most_states = 2'000'000'000;
  // Without it neither kCompletion is checked nor memory spent on it.
  bool check_completion = true;
};

struct Exploration {
  uint64_t states = 0;
  uint64_t transitions = 0;
  uint32_t depth = 0;     // of the deepest state
  bool complete = false;  // all states were visited
  std::optional<Finding> finding;
  std::vector<std::string> trace;  // the steps that lead to it, and the state they lead to
  size_t trace_steps = 0;          // how many of these lines are steps
  Coverage coverage{};
};

// Single-threaded. Memory: about 40 bytes per state. Two states are taken for one with a
// probability of about states² / 2^65.
Exploration Explore(const Variant& variant, const StepFunction& step, Fault fault,
                    const Limits& limits = {});

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_EXPLORER_H_
