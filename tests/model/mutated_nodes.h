// Deliberate errors in real nodes: the mutations that are made of steps, carried out by the engine.
#ifndef FARPAGE_TESTS_MODEL_MUTATED_NODES_H_
#define FARPAGE_TESTS_MODEL_MUTATED_NODES_H_

#include <string>
#include <vector>

namespace farpage::model {

// Nodes that this process joins afterwards run the protocol with that mutation. Stops the process
// if there is none of that name, or if it is not an error of a step.
void MutateNewNodes(const char* name);

// Names of the mutations that nodes can run with.
std::vector<std::string> MutationsOfSteps();

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_MUTATED_NODES_H_
