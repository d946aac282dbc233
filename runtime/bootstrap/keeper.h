// A process that outlives a killed launcher for a moment, to end the nodes' process groups.
//
// The kernel kills the nodes themselves when the launcher dies (PR_SET_PDEATHSIG), but not what
// they have started. The keeper reads a pipe that only the launcher holds open; at its end, it
// kills every process group that it was told to guard, and exits.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_KEEPER_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_KEEPER_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "transport/rendezvous.h"

namespace farpage::bootstrap {

class Keeper {
 public:
  static absl::StatusOr<Keeper> Start();
  Keeper(Keeper&& other) noexcept;
  Keeper& operator=(Keeper&&) = delete;
  ~Keeper();  // ends it, having killed what is still guarded

  int fd() const { return pipe_.get(); }
  pid_t pid() const { return pid_; }

  // For a new process group's leader, between fork and exec, so that nothing it starts can escape.
  // Async-signal-safe.
  static void GuardMe(int keeper_fd);
  // The group has ended, and its number may be used again.
  static void Release(int keeper_fd, pid_t group);

 private:
  Keeper(pid_t pid, transport::OwnedFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  pid_t pid_;
  transport::OwnedFd pipe_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_KEEPER_H_
