#include "tests/runtime/node_processes.h"

#include <cstdlib>
#include <mutex>

#include "gtest/gtest.h"

namespace farpage::testing {
namespace {

std::string TransportUnderTest() {
  const char* text = std::getenv("FARPAGE_TEST_TRANSPORTS");
  return text != nullptr && *text != '\0' ? text : "shm";
}

}  // namespace

bool Emulated() { return TransportUnderTest() != "shm"; }

Outcome RunNodes(const std::string& scenario, uint32_t nodes, Environment environment) {
  Outcome outcome;
  std::mutex mutex;
  bootstrap::LaunchOptions options;
  options.program = SCENARIOS;
  options.arguments = {scenario};
  options.nodes = nodes;
  options.transport = TransportUnderTest();
  options.environment = std::move(environment);
  options.on_output = [&](NodeId node, bootstrap::OutputStream, std::string_view lines) {
    std::lock_guard lock(mutex);
    const std::string who = node.valid() ? std::to_string(node.value()) : "launcher";
    outcome.output += "[" + who + "] " + std::string(lines);
  };
  absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(options);
  if (!result.ok()) {
    ADD_FAILURE() << result.status();
    outcome.result.exit_status = -1;
    return outcome;
  }
  outcome.result = *std::move(result);
  return outcome;
}

}  // namespace farpage::testing
