// The launcher's event loop: nodes that run, write, join, fail and end.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_JOB_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_JOB_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/bootstrap/keeper.h"
#include "runtime/bootstrap/launch_guards.h"
#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/line_buffer.h"
#include "runtime/bootstrap/node_process.h"
#include "runtime/bootstrap/orphans.h"
#include "runtime/bootstrap/output.h"
#include "runtime/bootstrap/rendezvous_server.h"

namespace farpage::bootstrap {

// One thread; nothing in it blocks but the wait for events.
class Job {
 public:
  static constexpr uint64_t kFilesPerNode = 8;  // 2 pipes, a pidfd, a connection, what it passes on

  // `options` and `signals` must outlive it.
  Job(const LaunchOptions& options, SignalGuard& signals);
  ~Job();  // leaves no process
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Starts the nodes with `command` (completed for each) while it already serves those that run. If
  // one cannot be started, all end. If one fails or a signal comes meanwhile, starts no more.
  absl::Status Start(NodeCommand command);

  // Until all have ended and all they wrote has been passed on.
  LaunchResult Run();

 private:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;

  struct Node {
    NodeProcess process;
    LineBuffer lines[2];
    std::optional<ProcessEnd> end;
    Time ended_at{};
    int last_signal = 0;   // sent to its group by us
    bool reaping = false;  // its group was killed, and some of it has not died yet
    bool done = false;     // ended, its output read, its group gone
  };

  absl::Status SetUp();
  absl::Status StartNode(const NodeCommand& command);
  void Step(int timeout_ms);  // waits for events and handles them
  void HandleEvent(uint64_t tag);
  void HandleSignal(int signal);
  void StopAndContinue();

  void ReadOutput(Node& node, size_t stream);
  void CloseOutput(Node& node, size_t stream);
  void NodeEnded(Node& node);
  void Failed(Node& node);

  void BeginEnding(int forwarded_signal);
  void RunTimers(Time now);
  void PushAlong(Node& node, Time now);
  void Escalate(Node& node, int signal);
  void GiveUp(Node& node);
  void Done(Node& node);

  bool Finished() const;
  int NextTimeoutMs() const;
  NodeId IdOf(const Node& node) const;

  const LaunchOptions& options_;
  SignalGuard& signals_;
  const OrphanAdoption orphans_;
  Output output_;
  std::unique_ptr<RendezvousServer> rendezvous_;
  std::optional<Keeper> keeper_;
  transport::OwnedFd epoll_;
  transport::OwnedFd pipes_;    // epoll of the nodes' output
  bool reading_pipes_ = false;  // pipes_ is in epoll_
  std::vector<Node> nodes_;
  size_t nodes_done_ = 0;
  std::optional<Time> ending_since_;
  int told_to_end_by_ = 0;  // signal
  LaunchResult result_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_JOB_H_
