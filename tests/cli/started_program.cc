#include "tests/cli/started_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace farpage::cli {
namespace {

using transport::OwnedFd;

// Returns false at the end.
bool ReadFrom(OwnedFd& fd, std::string& text) {
  char buffer[65536];
  const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
  if (got <= 0) {
    fd.reset();
    return false;
  }
  text.append(buffer, static_cast<size_t>(got));
  return true;
}

}  // namespace

StartedProgram::StartedProgram(const std::vector<std::string>& command,
                               const Environment& environment, Streams streams) {
  int out_ends[2];
  int err_ends[2];
  EXPECT_EQ(pipe2(out_ends, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(err_ends, O_CLOEXEC), 0);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out_ends[1], STDOUT_FILENO);
    dup2(streams == Streams::kTogether ? out_ends[1] : err_ends[1], STDERR_FILENO);
    for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(out_ends[1]);
  close(err_ends[1]);
  out_ = OwnedFd(out_ends[0]);
  err_ = OwnedFd(err_ends[0]);
}

StartedProgram::~StartedProgram() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void StartedProgram::Signal(int signal) const { EXPECT_EQ(kill(pid_, signal), 0); }

bool StartedProgram::ReadSome() {
  pollfd ready[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
  if (poll(ready, 2, 30'000) <= 0) {
    ADD_FAILURE() << "no output for 30 s";
    return false;
  }
  if (ready[0].revents != 0) ReadFrom(out_, out);
  if (ready[1].revents != 0) ReadFrom(err_, err);
  return out_.get() >= 0 || err_.get() >= 0;
}

void StartedProgram::ReadLines(size_t count) {
  while (std::cmp_less(std::count(out.begin(), out.end(), '\n'), count) && ReadSome()) {
  }
}

void StartedProgram::CloseOutput() { out_.reset(); }

int StartedProgram::Wait() {
  while ((out_.get() >= 0 || err_.get() >= 0) && ReadSome()) {
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace farpage::cli
