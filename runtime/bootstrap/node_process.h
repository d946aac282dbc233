// One node's process: how it is started, watched, signalled and taken off the kernel's hands.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_NODE_PROCESS_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_NODE_PROCESS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/bootstrap/process_end.h"
#include "transport/rendezvous.h"

namespace farpage::bootstrap {

struct NodeCommand {
  std::string path;                      // a file
  std::vector<std::string> arguments;    // the program's name first
  std::vector<std::string> environment;  // NAME=value
  int stdin_fd = -1;
  int keeper_fd = -1;
  sigset_t signal_mask{};  // for the program
  rlimit open_files{};     // for the program
};

class NodeProcess {
 public:
  // Returns when the program runs. PERMISSION_DENIED if the kernel cannot execute the file,
  // RESOURCE_EXHAUSTED if no process or pipe is to be had.
  static absl::StatusOr<NodeProcess> Start(const NodeCommand& command);

  int pid_fd() const { return pid_fd_.get(); }                       // readable once it has ended
  int output(size_t stream) const { return output_[stream].get(); }  // 0: stdout, 1: stderr
  void CloseOutput(size_t stream) { output_[stream].reset(); }

  // How the process ended, if it has. It stays a zombie, so that its number, and that of its group,
  // cannot come to mean another process while SignalGroup() may be called.
  std::optional<ProcessEnd> CheckEnded();

  // To it and to all it has started that stayed in its group.
  void SignalGroup(int signal) const;

  // After it has ended: kills what is left of its group. Returns true once nothing is left of what
  // this process is, or has become, the parent of.
  bool Reap(int keeper_fd);

 private:
  pid_t pid_ = -1;
  transport::OwnedFd pid_fd_;
  transport::OwnedFd output_[2];
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_NODE_PROCESS_H_
