// What the kernel says of processes, for tests that nothing is left behind.
#ifndef FARPAGE_TESTS_BOOTSTRAP_PROCESS_TABLE_H_
#define FARPAGE_TESTS_BOOTSTRAP_PROCESS_TABLE_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace farpage::bootstrap {

// False for a zombie too: what nobody has waited for yet runs no more.
bool IsRunning(pid_t pid);

// Processes that run with NAME=value in their environment, which their descendants inherit.
std::vector<pid_t> RunningWith(const std::string& variable);

// Waits, at most 10 s, until none runs any more. Returns those that still do.
std::vector<pid_t> WaitUntilGone(const std::string& variable);

// Waits, at most 10 s, until some run and none has used the processor for 100 ms.
bool WaitUntilIdle(const std::string& variable);

// A NAME=value that no other process has. The name begins with FARPAGE_TEST_.
std::string UniqueVariable();

}  // namespace farpage::bootstrap

#endif  // FARPAGE_TESTS_BOOTSTRAP_PROCESS_TABLE_H_
