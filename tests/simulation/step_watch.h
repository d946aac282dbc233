// Sits between an engine and directory::Step(): counts, traces, breaks on purpose.
#ifndef FARPAGE_TESTS_SIMULATION_STEP_WATCH_H_
#define FARPAGE_TESTS_SIMULATION_STEP_WATCH_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "directory/protocol.h"
#include "runtime/engine/engine.h"

namespace farpage::simulation {

// How often each cell of the protocol's table was used.
using Coverage = std::array<std::array<uint64_t, directory::kEvents>, directory::kStates>;

// directory::Step(), or it with a deliberate error around it.
using StepFunction = std::function<directory::Verdict(
    directory::PageState&, directory::NodeSet*, const directory::Stimulus&, directory::Effects&)>;

// One step that was made.
struct StepTaken {
  internal::PageId page;
  directory::State before;
  directory::Event event;
  directory::State after;
  NodeId from;
  directory::Verdict verdict;
};

// One per node.
class StepWatch final : public internal::Stepper {
 public:
  // `coverage` is added to. `on_step` is called after every step that is not impossible, and
  // `on_impossible` instead of the end of the process: it does not return.
  StepWatch(const StepFunction& step, Coverage& coverage,
            std::function<void(const StepTaken&)> on_step,
            std::function<void(internal::PageId, const std::string&)> on_impossible)
      : step_(step),
        coverage_(coverage),
        on_step_(std::move(on_step)),
        on_impossible_(std::move(on_impossible)) {}

  directory::Verdict Step(internal::PageId page, directory::PageState& state,
                          directory::NodeSet* need, const directory::Stimulus& stimulus,
                          directory::Effects& effects) override;

 private:
  const StepFunction& step_;
  Coverage& coverage_;
  const std::function<void(const StepTaken&)> on_step_;
  const std::function<void(internal::PageId, const std::string&)> on_impossible_;
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_STEP_WATCH_H_
