// What a launch changes about this process or thread, and puts back.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_LAUNCH_GUARDS_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_LAUNCH_GUARDS_H_

#include <sys/resource.h>

#include <csignal>
#include <cstdint>

#include "absl/status/status.h"
#include "transport/rendezvous.h"

namespace farpage::bootstrap {

// Blocks SIGPIPE in this thread, and if asked the signals that end or stop a job, which then come
// out of fd(). Signals that this process ignores (nohup, a shell's background job) stay ignored.
class SignalGuard {
 public:
  explicit SignalGuard(bool job_signals);
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  int fd() const { return fd_.get(); }  // −1 without job_signals
  const sigset_t& mask_before() const { return before_; }
  int Take();  // the next signal, or 0

 private:
  sigset_t before_{};
  bool pipe_signal_was_pending_ = false;
  transport::OwnedFd fd_;
};

// Lets this process open `wanted` files, or as many as its hard limit allows.
class OpenFilesGuard {
 public:
  explicit OpenFilesGuard(uint64_t wanted);
  ~OpenFilesGuard();
  OpenFilesGuard(const OpenFilesGuard&) = delete;
  OpenFilesGuard& operator=(const OpenFilesGuard&) = delete;

  uint64_t allowed() const { return now_.rlim_cur; }
  const rlimit& before() const { return before_; }

 private:
  rlimit before_{};
  rlimit now_{};
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_LAUNCH_GUARDS_H_
