// Histories for people.
#ifndef FARPAGE_TESTS_MODEL_TRACE_H_
#define FARPAGE_TESTS_MODEL_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/explorer.h"
#include "tests/model/world.h"

namespace farpage::model {

// Finds steps that lead through states with these fingerprints, the first being the start, and
// then, if `one_more`, one step that violates a property. Writes them to result.trace, one line
// each, and below them the state at the end.
void Retrace(const Variant& variant, const StepFunction& step, Fault fault,
             const std::vector<uint64_t>& fingerprints, bool one_more, Exploration& result);

// A state in some lines: the home, the nodes, what is under way.
std::vector<std::string> Describe(const World& world, const Variant& variant);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_TRACE_H_
