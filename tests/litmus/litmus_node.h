// One node process of a litmus run.
#ifndef FARPAGE_TESTS_LITMUS_LITMUS_NODE_H_
#define FARPAGE_TESTS_LITMUS_LITMUS_NODE_H_

#include <string>

namespace farpage::litmus {

// Joins, runs this node's threads of all cells, leaves. Returns the process's exit status.
int RunNode(const std::string& control_path);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_LITMUS_NODE_H_
