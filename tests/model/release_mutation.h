// Deliberate errors of release consistency, each of which the explorer must find.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_MUTATION_H_
#define FARPAGE_TESTS_MODEL_RELEASE_MUTATION_H_

#include <cstddef>
#include <span>
#include <vector>

#include "tests/model/release_explorer.h"
#include "tests/model/release_machine.h"
#include "tests/model/release_world.h"

namespace farpage::release_model {

// directory::StepRelease() with something around it, or a fault in what surrounds the steps.
struct Mutation {
  const char* name;
  const char* what;
  directory::ReleaseVerdict (*step)(directory::ReleasePage&, const directory::ReleaseStimulus&,
                                    directory::ReleaseEffects&) = &directory::StepRelease;
  Fault fault = Fault::kNone;
  size_t from = 0;  // of HuntingVariants(): it does not show in those before
};

// All of them; the names are unique.
std::span<const Mutation> Mutations();
// Those that running nodes can carry out too, to compute something wrong and go on.
std::span<const Mutation> StepMutations();
// Stops the process if there is none of that name.
const Mutation& FindMutation(const char* name);

// The systematic counterpart: leaves out each effect of each step in turn, and prints what became
// of it. Returns the exit status: 0 if each was missed.
int RunEveryEffect();

// What the test suite explores; what takes longer; and, smallest first, where mutations are sought.
std::vector<Variant> StandardVariants();
std::vector<Variant> LargeVariants();
std::vector<Variant> HuntingVariants();

// The first of HuntingVariants() from Mutation::from on in which it is found, or the last.
struct Catch {
  Variant variant;
  Exploration result;
};
Catch Hunt(const Mutation& mutation);

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_MUTATION_H_
