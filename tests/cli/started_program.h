// A program started by a test, with its output in pipes.
#ifndef FARPAGE_TESTS_CLI_STARTED_PROGRAM_H_
#define FARPAGE_TESTS_CLI_STARTED_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "transport/rendezvous.h"

namespace farpage::cli {

using Environment = std::vector<std::string>;  // NAME=value, beside the test's own

class StartedProgram {
 public:
  enum class Streams { kApart, kTogether };  // stdout and stderr

  StartedProgram(const std::vector<std::string>& command, const Environment& environment = {},
                 Streams streams = Streams::kApart);
  ~StartedProgram();  // kills it if it still runs
  StartedProgram(const StartedProgram&) = delete;
  StartedProgram& operator=(const StartedProgram&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;

  // Reads until `out` has `count` lines or there is nothing more to come.
  void ReadLines(size_t count);
  void CloseOutput();  // nobody reads it any more

  // Reads all output and waits. Returns the exit status, or 128 + signal, as a shell would.
  int Wait();

  std::string out;
  std::string err;

 private:
  bool ReadSome();

  pid_t pid_ = -1;
  transport::OwnedFd out_;
  transport::OwnedFd err_;
};

}  // namespace farpage::cli

#endif  // FARPAGE_TESTS_CLI_STARTED_PROGRAM_H_
