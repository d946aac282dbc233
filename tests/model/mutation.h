// Deliberate errors, each of which the explorer must find: what shows that it looks.
//
// There is no second protocol: a mutation is directory::Step() with something around it that drops,
// adds or reorders, or a fault in what the effects' contract asks of the runtime.
#ifndef FARPAGE_TESTS_MODEL_MUTATION_H_
#define FARPAGE_TESTS_MODEL_MUTATION_H_

#include <cstdint>
#include <span>

#include "directory/protocol.h"
#include "tests/model/executor.h"
#include "tests/model/explorer.h"
#include "tests/model/variant.h"

namespace farpage::model {

struct Mutation {
  const char* name;
  const char* what;
  StepFunction step = &directory::Step;
  Fault fault = Fault::kNone;
  Variant variant = {};  // where it shows; with two nodes if that is enough
};

// All of them. The names are unique.
std::span<const Mutation> Mutations();
// Stops the process if there is none of that name.
const Mutation& FindMutation(const char* name);

// Looks for the mutation's error with two nodes, then with three. Returns the last exploration;
// `nodes` is how many it had.
Exploration Hunt(const Mutation& mutation, uint32_t* nodes = nullptr);

// Tools for mutations.
directory::Effects Without(const directory::Effects& effects, directory::EffectKind kind);
// With the first effect of the one kind moved behind the last of the other, if both are there.
directory::Effects Behind(const directory::Effects& effects, directory::EffectKind moved,
                          directory::EffectKind other);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_MUTATION_H_
