// What a node process of a test does. A test starts the program of scenarios as several nodes and
// looks at how they end and what they say.
#ifndef FARPAGE_TESTS_RUNTIME_SCENARIO_H_
#define FARPAGE_TESTS_RUNTIME_SCENARIO_H_

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "farpage/farpage.h"

namespace farpage::testing {

// Runs in every node, after nothing but main() has begun. Returns the process's exit status.
using Scenario = int (*)();

// Registers at start-up under its name.
class RegisterScenario {
 public:
  RegisterScenario(const char* name, Scenario scenario);
};

#define NODE_SCENARIO(name)                                                       \
  static int name();                                                              \
  static const ::farpage::testing::RegisterScenario register_##name(#name, name); \
  static int name()

// Ends the process with status 1 and a message naming the line.
#define REQUIRE(condition) ::farpage::testing::Require((condition), #condition, __FILE__, __LINE__)
#define REQUIRE_OK(status) ::farpage::testing::RequireOk((status), #status, __FILE__, __LINE__)

inline void Require(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: required: %s\n", file, line, what);
  std::fflush(nullptr);
  std::_Exit(1);
}

inline void RequireOk(const absl::Status& status, const char* what, const char* file, int line) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  Require(false, what, file, line);
}

inline Node JoinOrDie() {
  absl::StatusOr<Node> node = Node::Join();
  RequireOk(node.status(), "Join", __FILE__, __LINE__);
  return *std::move(node);
}

template <typename T>
std::span<T> AllocateOrDie(Node& node, const char* name, size_t count,
                           const AllocateOptions& options = {}) {
  absl::StatusOr<std::span<T>> memory = node.Allocate<T>(name, count, options);
  RequireOk(memory.status(), name, __FILE__, __LINE__);
  return *memory;
}

// A number from the environment (FARPAGE_TEST_…), so that emulated machines can do less.
inline size_t Amount(const char* variable, size_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoul(text, nullptr, 10) : otherwise;
}

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RUNTIME_SCENARIO_H_
