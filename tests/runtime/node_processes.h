// Starts the program of scenarios as several nodes and keeps what they say.
#ifndef FARPAGE_TESTS_RUNTIME_NODE_PROCESSES_H_
#define FARPAGE_TESTS_RUNTIME_NODE_PROCESSES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/bootstrap/launcher.h"

namespace farpage::testing {

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Outcome {
  bootstrap::LaunchResult result;
  std::string output;  // of all nodes and of the launcher

  bool Says(const std::string& text) const { return output.find(text) != std::string::npos; }
};

// Runs `scenario` on `nodes` nodes over the transport that FARPAGE_TEST_TRANSPORTS names (shm).
Outcome RunNodes(const std::string& scenario, uint32_t nodes, Environment environment = {});

// True on real verbs, where a test should do less: they are emulated.
bool Emulated();

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RUNTIME_NODE_PROCESSES_H_
