// Runs a program as N nodes on this host, and ends all of them when one fails.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bootstrap/process_end.h"
#include "transport/types.h"

namespace farpage::bootstrap {

enum class OutputStream : uint8_t { kStdout, kStderr };

// Gets whole lines (each ends in '\n'; one that a node left unfinished gets one) as they come.
// Lines of the launcher itself have NodeId::None().
using OutputCallback =
    std::function<void(NodeId node, OutputStream stream, std::string_view lines)>;

struct LaunchOptions {
  std::string program;  // found as a shell finds it
  std::vector<std::string> arguments;
  uint32_t nodes = 1;
  // For every node, beside this process's own environment, which it overrides.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string transport;  // FARPAGE_TRANSPORT; empty: as the environment has it
  bool prefix = true;     // "[2] " before each line of node 2
  // This process does nothing else meanwhile: SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGTSTP are
  // passed on to the nodes, and processes that have left their node's group are ended too.
  bool owns_process = false;
  OutputCallback on_output;  // instead of stdout and stderr; gets no prefixes
};

struct LaunchResult {
  // Of the first failure: its exit status, or 128 + signal. 128 + signal also if the launcher was
  // told to end by that signal. 0 if all nodes exited with 0.
  int exit_status = 0;
  NodeId first_failed;           // None() if none
  std::string failure;           // "node 2 exited with status 3"; empty if none
  std::vector<ProcessEnd> ends;  // by node; kNotStarted for those that a failure forestalled
};

// Blocks until all nodes have ended, and with them what they started.
//
// Each node gets FARPAGE_RANK, FARPAGE_SIZE, FARPAGE_RENDEZVOUS and FARPAGE_JOB_SECRET, and is the
// leader of a process group of its own. Node 0 reads this process's stdin unless that is a
// terminal; the others read nothing.
//
// After the first failure (a status other than 0, or a signal) the rendezvous tells the other
// nodes; after 1 s those still there get SIGTERM, and SIGKILL after 1.6 s. A signal to the launcher
// is passed on and followed by the same; a second one kills at once. When this process is killed,
// the kernel and a keeper process kill the nodes and their process groups.
//
// Errors are those before any node ran: INVALID_ARGUMENT (number of nodes, transport), NOT_FOUND
// and PERMISSION_DENIED (program), FAILED_PRECONDITION (no RDMA device; a file that is not a
// program), RESOURCE_EXHAUSTED (processes, descriptors).
//
// May be called from any thread, also from several at once if owns_process is false.
absl::StatusOr<LaunchResult> Launch(const LaunchOptions& options);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_H_
