// The words after `farpage run`. What is to be started has a program and a possible number of
// nodes.
#include <iostream>

#include "runtime/cli/run_arguments.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage;
  using namespace farpage::testing;
  static auto* run = new cli::RunArguments;
  static const bool quiet = [] {  // thousands of messages a second
    std::cout.setstate(std::ios::failbit);
    std::cerr.setstate(std::ios::failbit);
    return true;
  }();
  static constexpr const char* kWords[] = {"-n",    "--nodes", "--transport", "--no-prefix",
                                           "--",    "-h",      "--help",      "shm",
                                           "verbs", "4",       "-n4",         "--nodes=2"};
  Expect(quiet, "nothing is printed");
  FuzzInput input(data, size);
  cli::Arguments arguments;
  while (!input.empty() && arguments.size() < 12) {
    const uint32_t which = input.Below(64);
    arguments.push_back(which < std::size(kWords) ? kWords[which] : input.Bytes(which / 3));
  }
  if (const std::optional<int> done = run->Parse(arguments, {})) {
    Expect(*done == 0 || *done == cli::kExitUsage, "help was wanted or the usage is wrong");
    return 0;
  }
  const bootstrap::LaunchOptions& launch = run->launch();
  Expect(launch.nodes >= 1 && launch.nodes <= kMaxNodes, "a possible number of nodes");
  Expect(launch.arguments.size() < arguments.size(), "some words were ours");
  return 0;
}
