// The options that all applications share.
#ifndef FARPAGE_BENCH_APPS_FRAME_ARGUMENTS_H_
#define FARPAGE_BENCH_APPS_FRAME_ARGUMENTS_H_

#include <farpage/node.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/apps/frame/problem.h"

namespace farpage::apps {

struct Arguments {
  uint32_t threads = 1;                             // of each node
  uint32_t repeat = 3;                              // measurements, of which the median is reported
  std::string json;                                 // file for the report; empty: none
  Consistency consistency = Consistency::kRelease;  // of the memory that is shared
};

// What a version of an application can be told. All have --repeat and --json.
struct ArgumentKinds {
  bool threads = true;
  bool consistency = true;
};

// Parses the command line into `arguments` and the problem's own options. Gives the exit status if
// there is nothing to run: 0 after --help, 2 after a message on standard error.
std::optional<int> ParseArguments(int argc, char** argv, std::string_view program, Problem& problem,
                                  ArgumentKinds kinds, Arguments& arguments);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_ARGUMENTS_H_
