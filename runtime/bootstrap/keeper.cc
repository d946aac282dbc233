#include "runtime/bootstrap/keeper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "absl/status/status.h"
#include "transport/types.h"

namespace farpage::bootstrap {
namespace {

using transport::OwnedFd;

// Records on the pipe: a group to guard, the negative of one to release, or kQuit. Pipes keep
// writes this small whole.
using Record = int32_t;
constexpr Record kQuit = 0;

void Tell(int fd, Record record) {
  [[maybe_unused]] const ssize_t written = write(fd, &record, sizeof(record));
}

// Runs in a forked copy of a process that may have threads: only async-signal-safe calls.
[[noreturn]] void Keep(int pipe) {
  setsid();
  prctl(PR_SET_NAME, "farpage-keeper");
  dup2(pipe, STDIN_FILENO);
  close_range(STDIN_FILENO + 1, ~0U, 0);

  Record groups[kMaxNodes];
  uint32_t count = 0;
  while (true) {
    Record record = 0;
    const ssize_t got = read(STDIN_FILENO, &record, sizeof(record));
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof(record) || record == kQuit) break;
    if (record > 0 && count < kMaxNodes) groups[count++] = record;
    for (uint32_t i = 0; record < 0 && i < count; ++i) {
      if (groups[i] != -record) continue;
      groups[i] = groups[--count];
      break;
    }
  }
  for (uint32_t i = 0; i < count; ++i) kill(-groups[i], SIGKILL);
  _exit(0);
}

}  // namespace

absl::StatusOr<Keeper> Keeper::Start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe for the keeper");
  OwnedFd reading(ends[0]);
  OwnedFd writing(ends[1]);
  // No signal may end it before the launcher: it inherits a mask with everything in it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) Keep(reading.get());
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return absl::ErrnoToStatus(error, "fork of the keeper");
  return Keeper(pid, std::move(writing));
}

Keeper::Keeper(Keeper&& other) noexcept : pid_(other.pid_), pipe_(std::move(other.pipe_)) {
  other.pid_ = -1;
}

Keeper::~Keeper() {
  if (pid_ < 0) return;
  // Not only by closing the pipe: a process forked elsewhere may have a copy of it.
  Tell(pipe_.get(), kQuit);
  pipe_.reset();
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Keeper::GuardMe(int keeper_fd) { Tell(keeper_fd, getpid()); }

void Keeper::Release(int keeper_fd, pid_t group) { Tell(keeper_fd, -group); }

}  // namespace farpage::bootstrap
