#include <cstdio>
#include <map>
#include <string>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

std::map<std::string, Scenario>& Scenarios() {
  static auto* scenarios = new std::map<std::string, Scenario>;
  return *scenarios;
}

}  // namespace

RegisterScenario::RegisterScenario(const char* name, Scenario scenario) {
  Scenarios()[name] = scenario;
}

int RunScenario(const char* name) {
  const auto found = Scenarios().find(name);
  if (found == Scenarios().end()) {
    std::fprintf(stderr, "there is no scenario '%s'\n", name);
    return 2;
  }
  return found->second();
}

}  // namespace farpage::testing

int main(int argc, char** argv) { return argc == 2 ? farpage::testing::RunScenario(argv[1]) : 2; }
