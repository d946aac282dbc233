#include "runtime/bootstrap/launch_guards.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace farpage::bootstrap {
namespace {

bool PipeSignalPending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

sigset_t PipeSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

}  // namespace

SignalGuard::SignalGuard(bool job_signals) : pipe_signal_was_pending_(PipeSignalPending()) {
  sigset_t blocked = PipeSignal();
  sigset_t wanted;
  sigemptyset(&wanted);
  if (job_signals) {
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
      sigaddset(&wanted, signal);
      sigaddset(&blocked, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  if (job_signals) fd_ = transport::OwnedFd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

SignalGuard::~SignalGuard() {
  // Writing to a pipe that nobody reads left one behind.
  if (!pipe_signal_was_pending_ && PipeSignalPending()) {
    const sigset_t set = PipeSignal();
    const timespec now{};
    while (sigtimedwait(&set, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int SignalGuard::Take() {
  signalfd_siginfo info;
  const ssize_t got = fd() >= 0 ? read(fd(), &info, sizeof(info)) : -1;
  return got == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

OpenFilesGuard::OpenFilesGuard(uint64_t wanted) {
  getrlimit(RLIMIT_NOFILE, &before_);
  now_ = before_;
  now_.rlim_cur = std::clamp<rlim_t>(wanted, before_.rlim_cur, before_.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &now_) != 0) now_ = before_;
}

OpenFilesGuard::~OpenFilesGuard() { setrlimit(RLIMIT_NOFILE, &before_); }

}  // namespace farpage::bootstrap
