// Release consistency with errors in it: those of the model checker.
#include "tests/model/release_mutation.h"
#include "tests/simulation/release_workload.h"

namespace farpage::simulation {

const std::vector<ReleaseMutation>& ReleaseMutations() {
  static const std::vector<ReleaseMutation> mutations = [] {
    std::vector<ReleaseMutation> all;
    for (const release_model::Mutation& mutation : release_model::StepMutations()) {
      all.push_back({mutation.name, mutation.what, mutation.step});
    }
    return all;
  }();
  return mutations;
}

}  // namespace farpage::simulation
