#include "tests/model/mutated_nodes.h"

#include <cstdio>
#include <cstdlib>

#include "runtime/node_impl.h"
#include "tests/model/mutation.h"

namespace farpage::model {
namespace {

class MutatedStepper final : public internal::Stepper {
 public:
  explicit MutatedStepper(const StepFunction& step) : step_(step) {}

  directory::Verdict Step(internal::PageId /*page*/, directory::PageState& state,
                          directory::NodeSet* need, const directory::Stimulus& stimulus,
                          directory::Effects& effects) override {
    return step_(state, need, stimulus, effects);
  }

 private:
  const StepFunction& step_;
};

}  // namespace

void MutateNewNodes(const char* name) {
  const Mutation& mutation = FindMutation(name);
  if (mutation.fault != Fault::kNone) {
    std::fprintf(stderr, "mutation '%s' is not an error of a step\n", name);
    std::exit(2);
  }
  static MutatedStepper& stepper = *new MutatedStepper(mutation.step);
  internal::SetStepperOfNewNodes(&stepper);
}

std::vector<std::string> MutationsOfSteps() {
  std::vector<std::string> names;
  for (const Mutation& mutation : Mutations()) {
    if (mutation.fault == Fault::kNone) names.emplace_back(mutation.name);
  }
  return names;
}

}  // namespace farpage::model
