#include "tests/simulation/step_watch.h"

#include "absl/strings/str_cat.h"

namespace farpage::simulation {

using directory::Verdict;

Verdict StepWatch::Step(internal::PageId page, directory::PageState& state,
                        directory::NodeSet* need, const directory::Stimulus& stimulus,
                        directory::Effects& effects) {
  const directory::State before = state.state;
  const directory::Event event = directory::Classify(state, need, stimulus);
  ++coverage_[static_cast<size_t>(before)][static_cast<size_t>(event)];
  const Verdict verdict = step_ ? step_(state, need, stimulus, effects)
                                : directory::Step(state, need, stimulus, effects);
  if (verdict == Verdict::kImpossible) {
    on_impossible_(page, absl::StrCat(directory::Name(event), " from node ",
                                      stimulus.from.valid() ? stimulus.from.value() : -1,
                                      " cannot happen in state ", directory::Name(before)));
  }
  on_step_({page, before, event, state.state, stimulus.from, verdict});
  return verdict;
}

}  // namespace farpage::simulation
