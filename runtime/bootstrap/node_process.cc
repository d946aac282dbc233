#include "runtime/bootstrap/node_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "runtime/bootstrap/keeper.h"

namespace farpage::bootstrap {
namespace {

using transport::OwnedFd;

struct Pipe {
  OwnedFd reading;
  OwnedFd writing;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == 0) return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
  return absl::ResourceExhaustedError(
      absl::StrFormat("no pipe to be had: %s", std::strerror(errno)));
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct ChildPlan {
  const NodeCommand& command;
  char* const* arguments;
  char* const* environment;
  int out;
  int err;
  int report;  // errno of a failed exec is written here
  pid_t launcher;
};

// Runs in a forked copy of a process that may have threads: only async-signal-safe calls.
[[noreturn]] void Become(const ChildPlan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.launcher) _exit(127);  // it died before the line above took effect
  Keeper::GuardMe(plan.command.keeper_fd);
  dup2(plan.command.stdin_fd, STDIN_FILENO);
  dup2(plan.out, STDOUT_FILENO);
  dup2(plan.err, STDERR_FILENO);
  setrlimit(RLIMIT_NOFILE, &plan.command.open_files);
  sigprocmask(SIG_SETMASK, &plan.command.signal_mask, nullptr);
  execve(plan.command.path.c_str(), plan.arguments, plan.environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(plan.report, &error, sizeof(error));
  _exit(127);
}

absl::Status CannotExecute(const std::string& path, int error) {
  const char* hint = "";
  if (error == ENOENT) hint = " (the interpreter named in its first line?)";
  if (error == ENOEXEC) hint = " (a script needs a first line such as #!/bin/sh)";
  return absl::PermissionDeniedError(
      absl::StrFormat("'%s' cannot be executed: %s%s", path, std::strerror(error), hint));
}

}  // namespace

absl::StatusOr<NodeProcess> NodeProcess::Start(const NodeCommand& command) {
  absl::StatusOr<Pipe> out = MakePipe();
  absl::StatusOr<Pipe> err = MakePipe();
  absl::StatusOr<Pipe> report = MakePipe();
  for (const auto* pipe : {&out, &err, &report}) {
    if (!pipe->ok()) return pipe->status();
  }
  const std::vector<char*> arguments = Pointers(command.arguments);
  const std::vector<char*> environment = Pointers(command.environment);
  const ChildPlan plan{command,
                       arguments.data(),
                       environment.data(),
                       out->writing.get(),
                       err->writing.get(),
                       report->writing.get(),
                       getpid()};
  NodeProcess node;
  node.pid_ = fork();
  if (node.pid_ == 0) Become(plan);
  if (node.pid_ < 0) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("fork: %s (ulimit -u limits a user's processes)", std::strerror(errno)));
  }
  // Ends at exec, which closes the other end, or with the reason why there was none.
  report->writing.reset();
  int error = 0;
  ssize_t got = -1;
  do {
    got = read(report->reading.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  // The C library here has no wrapper that C++ can link to.
  node.pid_fd_ = OwnedFd(static_cast<int>(syscall(SYS_pidfd_open, node.pid_, 0)));
  if (got == sizeof(error) || node.pid_fd_.get() < 0) {
    if (got != sizeof(error)) error = errno;
    kill(node.pid_, SIGKILL);
    while (waitpid(node.pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    Keeper::Release(command.keeper_fd, node.pid_);
    if (got == sizeof(error)) return CannotExecute(command.path, error);
    return absl::ResourceExhaustedError(absl::StrFormat("pidfd_open: %s", std::strerror(error)));
  }
  node.output_[0] = std::move(out->reading);
  node.output_[1] = std::move(err->reading);
  for (OwnedFd& fd : node.output_) fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return node;
}

std::optional<ProcessEnd> NodeProcess::CheckEnded() {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pid_);
  if (waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  if (info.si_code == CLD_EXITED) return ProcessEnd{ProcessEnd::Kind::kExited, info.si_status};
  return ProcessEnd{ProcessEnd::Kind::kKilled, info.si_status};
}

void NodeProcess::SignalGroup(int signal) const {
  kill(-pid_, signal);
  // Stopped processes get signals only once they run.
  if (signal == SIGTERM) kill(-pid_, SIGCONT);
}

bool NodeProcess::Reap(int keeper_fd) {
  kill(-pid_, SIGKILL);
  pid_t reaped = 0;
  do {
    reaped = waitpid(-pid_, nullptr, WNOHANG);
  } while (reaped > 0 || (reaped < 0 && errno == EINTR));
  if (reaped == 0) return false;  // killed, but not dead yet
  Keeper::Release(keeper_fd, pid_);
  return true;
}

}  // namespace farpage::bootstrap
