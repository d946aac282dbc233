#include "runtime/bootstrap/job.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::bootstrap {
namespace {

using std::chrono::milliseconds;
using transport::OwnedFd;

// After the first failure, or after the launcher was told to end.
constexpr milliseconds kTermAfter{1000};
constexpr milliseconds kKillAfter{1600};
constexpr milliseconds kGiveUpAfter{1900};

// What a node left running when it ended keeps its output open. It may finish writing.
constexpr milliseconds kLeftoversTermAfter{500};
constexpr milliseconds kLeftoversKillAfter{1000};
constexpr milliseconds kLeftoversGiveUpAfter{1200};

constexpr milliseconds kReapPause{2};
constexpr milliseconds kLongestSleep{1000};

// What an event is about. Node i has kFirstNode + 3 i (stdout), + 1 (stderr), + 2 (its end).
enum Tag : uint64_t { kSignals, kRendezvous, kPipes, kOutput, kFirstNode };
constexpr uint64_t kTagsPerNode = 3;

absl::Status Control(const OwnedFd& epoll, int operation, int fd, uint64_t tag) {
  epoll_event event{EPOLLIN, {.u64 = tag}};
  if (epoll_ctl(epoll.get(), operation, fd, &event) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "epoll_ctl");
}

std::string Prefix(const LaunchOptions& options, uint32_t node) {
  if (options.on_output || !options.prefix) return {};
  return absl::StrCat("[", node, "] ");
}

}  // namespace

Job::Job(const LaunchOptions& options, SignalGuard& signals)
    : options_(options),
      signals_(signals),
      orphans_(options.owns_process),
      output_(options.on_output) {}

Job::~Job() {
  // If not all could be started; Run() returns when all are done.
  for (Node& node : nodes_) Escalate(node, SIGKILL);
  for (Node& node : nodes_) {
    if (node.done) continue;
    pollfd ended{node.process.pid_fd(), POLLIN, 0};
    poll(&ended, 1, static_cast<int>(kKillAfter.count()));
    node.process.Reap(keeper_->fd());
  }
  if (keeper_) orphans_.EndAll(keeper_->pid(), kKillAfter);
}

absl::Status Job::SetUp() {
  absl::StatusOr<std::unique_ptr<RendezvousServer>> rendezvous =
      RendezvousServer::Listen(options_.nodes);
  if (!rendezvous.ok()) return rendezvous.status();
  rendezvous_ = *std::move(rendezvous);
  absl::StatusOr<Keeper> keeper = Keeper::Start();
  if (!keeper.ok()) return keeper.status();
  keeper_.emplace(*std::move(keeper));

  epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  pipes_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  absl::Status ok = Control(epoll_, EPOLL_CTL_ADD, rendezvous_->event_fd(), kRendezvous);
  ok.Update(Control(epoll_, EPOLL_CTL_ADD, pipes_.get(), kPipes));
  reading_pipes_ = true;
  ok.Update(Control(epoll_, EPOLL_CTL_ADD, output_.event_fd(), kOutput));
  if (signals_.fd() >= 0) ok.Update(Control(epoll_, EPOLL_CTL_ADD, signals_.fd(), kSignals));
  nodes_.reserve(options_.nodes);  // they do not move
  return ok;
}

absl::Status Job::Start(NodeCommand command) {
  if (absl::Status ok = SetUp(); !ok.ok()) return ok;
  command.keeper_fd = keeper_->fd();
  command.environment.push_back("FARPAGE_RENDEZVOUS=" + rendezvous_->address());
  command.environment.push_back("FARPAGE_JOB_SECRET=" + rendezvous_->secret_text());
  command.environment.push_back(absl::StrCat("FARPAGE_SIZE=", options_.nodes));
  const OwnedFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  while (nodes_.size() < options_.nodes && !ending_since_) {
    // A background process group that reads a terminal is stopped.
    const bool reads = nodes_.empty() && isatty(STDIN_FILENO) == 0;
    command.stdin_fd = reads ? STDIN_FILENO : nothing.get();
    command.environment.push_back(absl::StrCat("FARPAGE_RANK=", nodes_.size()));
    const absl::Status started = StartNode(command);
    command.environment.pop_back();
    if (!started.ok()) {
      return absl::Status(started.code(),
                          absl::StrFormat("node %d of %d could not be started: %s", nodes_.size(),
                                          options_.nodes, std::string(started.message())));
    }
    Step(0);
  }
  return absl::OkStatus();
}

absl::Status Job::StartNode(const NodeCommand& command) {
  absl::StatusOr<NodeProcess> process = NodeProcess::Start(command);
  if (!process.ok()) return process.status();
  const auto index = static_cast<uint32_t>(nodes_.size());
  const std::string prefix = Prefix(options_, index);
  nodes_.push_back(Node{*std::move(process), {LineBuffer(prefix), LineBuffer(prefix)}, {}, {}});
  const NodeProcess& node = nodes_.back().process;
  const uint64_t tag = kFirstNode + kTagsPerNode * index;
  absl::Status ok = Control(pipes_, EPOLL_CTL_ADD, node.output(0), tag);
  ok.Update(Control(pipes_, EPOLL_CTL_ADD, node.output(1), tag + 1));
  ok.Update(Control(epoll_, EPOLL_CTL_ADD, node.pid_fd(), tag + 2));
  return ok;
}

LaunchResult Job::Run() {
  while (!Finished()) Step(NextTimeoutMs());
  for (const Node& node : nodes_) result_.ends.push_back(*node.end);
  // The first may fail before the last is started.
  result_.ends.resize(options_.nodes, ProcessEnd{ProcessEnd::Kind::kNotStarted, 0});
  if (told_to_end_by_ != 0) result_.exit_status = 128 + told_to_end_by_;
  return std::move(result_);
}

void Job::Step(int timeout_ms) {
  std::array<epoll_event, 64> events;
  const auto wait = [&events](const OwnedFd& epoll, int ms) {
    const int count = epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), ms);
    return std::span(events).first(static_cast<size_t>(std::max(count, 0)));
  };
  bool pipes_ready = false;
  for (const epoll_event& event : wait(epoll_, timeout_ms)) {
    pipes_ready = pipes_ready || event.data.u64 == kPipes;
    HandleEvent(event.data.u64);
  }
  if (pipes_ready) {
    for (const epoll_event& event : wait(pipes_, 0)) HandleEvent(event.data.u64);
  }
  RunTimers(Clock::now());
}

void Job::HandleEvent(uint64_t tag) {
  switch (tag) {
    case kSignals:
      return HandleSignal(signals_.Take());
    case kRendezvous:
      return rendezvous_->Process();
    case kPipes:
      return;
    case kOutput:
      return output_.Flush();
    default:
      break;
  }
  Node& node = nodes_[(tag - kFirstNode) / kTagsPerNode];
  const size_t part = (tag - kFirstNode) % kTagsPerNode;
  if (part == 2) {
    NodeEnded(node);
  } else {
    ReadOutput(node, part);
  }
}

void Job::ReadOutput(Node& node, size_t stream) {
  if (node.process.output(stream) < 0) return;
  std::array<char, 64 << 10> piece;
  const ssize_t got = read(node.process.output(stream), piece.data(), piece.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const auto which = static_cast<OutputStream>(stream);
  if (got > 0) {
    const std::string_view text(piece.data(), static_cast<size_t>(got));
    output_.Lines(IdOf(node), which, node.lines[stream].Add(text));
  }
  // Where nobody reads our output any more, nobody reads the node's: it learns so from SIGPIPE.
  if (got <= 0 || output_.broken(which)) CloseOutput(node, stream);
}

void Job::CloseOutput(Node& node, size_t stream) {
  if (node.process.output(stream) < 0) return;
  output_.Lines(IdOf(node), static_cast<OutputStream>(stream), node.lines[stream].Finish());
  node.process.CloseOutput(stream);
}

void Job::NodeEnded(Node& node) {
  if (node.end) return;
  node.end = node.process.CheckEnded();
  if (!node.end) return;
  node.ended_at = Clock::now();
  // It stays readable for ever.
  (void)Control(epoll_, EPOLL_CTL_DEL, node.process.pid_fd(), 0);
  rendezvous_->NodeEnded(IdOf(node), *node.end);
  // Its last words come before ours about it. They were in the pipes, so a few pieces have them.
  constexpr int kPieces = 4;
  for (size_t stream = 0; stream < 2; ++stream) {
    for (int i = 0; i < kPieces; ++i) ReadOutput(node, stream);
  }
  if (!node.end->clean() && !ending_since_) Failed(node);
}

void Job::Failed(Node& node) {
  result_.first_failed = IdOf(node);
  result_.exit_status = node.end->exit_status();
  result_.failure =
      absl::StrFormat("node %d %s", result_.first_failed.value(), DescribeEnd(*node.end));
  const bool others = std::any_of(nodes_.begin(), nodes_.end(),
                                  [](const Node& other) { return !other.end.has_value(); });
  output_.Say(result_.failure + (others ? "; ending the others" : ""));
  BeginEnding(0);
}

void Job::HandleSignal(int signal) {
  if (signal == 0) return;
  if (signal == SIGTSTP) return StopAndContinue();
  if (ending_since_) {
    for (Node& node : nodes_) Escalate(node, SIGKILL);
    if (told_to_end_by_ == 0) told_to_end_by_ = signal;
    return;
  }
  told_to_end_by_ = signal;
  BeginEnding(signal);
}

void Job::StopAndContinue() {
  for (const Node& node : nodes_) {
    if (!node.done) node.process.SignalGroup(SIGSTOP);
  }
  raise(SIGSTOP);  // returns when somebody continues this process
  for (const Node& node : nodes_) {
    if (!node.done) node.process.SignalGroup(SIGCONT);
  }
}

void Job::BeginEnding(int forwarded_signal) {
  ending_since_ = Clock::now();
  if (forwarded_signal == 0) return;
  for (Node& node : nodes_) {
    if (!node.done) node.process.SignalGroup(forwarded_signal);
  }
}

void Job::RunTimers(Time now) {
  if (rendezvous_->next_deadline() <= now) rendezvous_->Process();
  for (Node& node : nodes_) {
    if (!node.done) PushAlong(node, now);
  }
  const bool read_pipes = !output_.congested();
  if (read_pipes != reading_pipes_) {
    (void)Control(epoll_, read_pipes ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, pipes_.get(), kPipes);
    reading_pipes_ = read_pipes;
  }
}

void Job::PushAlong(Node& node, Time now) {
  const bool silent = node.process.output(0) < 0 && node.process.output(1) < 0;
  if (node.end && silent) {
    node.reaping = !node.process.Reap(keeper_->fd());
    if (!node.reaping) return Done(node);
  }
  if (ending_since_) {
    const auto since = now - *ending_since_;
    if (since >= kTermAfter) Escalate(node, SIGTERM);
    if (since >= kKillAfter) Escalate(node, SIGKILL);
    if (since >= kGiveUpAfter) return GiveUp(node);
  }
  // While our reader does not keep up, unread output says nothing about leftovers.
  if (node.end && output_.congested()) node.ended_at = now;
  if (node.end) {
    const auto since = now - node.ended_at;
    if (since >= kLeftoversTermAfter) Escalate(node, SIGTERM);
    if (since >= kLeftoversKillAfter) Escalate(node, SIGKILL);
    if (since >= kLeftoversGiveUpAfter) return GiveUp(node);
  }
}

void Job::Escalate(Node& node, int signal) {
  if (node.done || node.last_signal == signal || node.last_signal == SIGKILL) return;
  node.process.SignalGroup(signal);
  node.last_signal = signal;
}

void Job::GiveUp(Node& node) {
  // Something has left the group and holds the output, or hangs in the kernel.
  for (size_t stream = 0; stream < 2; ++stream) {
    ReadOutput(node, stream);
    CloseOutput(node, stream);
  }
  if (!node.end) {
    node.end = ProcessEnd{ProcessEnd::Kind::kUnkillable, SIGKILL};
    output_.Say(absl::StrFormat("node %d %s", IdOf(node).value(), DescribeEnd(*node.end)));
  }
  node.process.Reap(keeper_->fd());
  Done(node);
}

void Job::Done(Node& node) {
  node.done = true;
  ++nodes_done_;
}

bool Job::Finished() const {
  if (nodes_done_ < nodes_.size()) return false;
  if (output_.drained()) return true;
  // Told to end, we do not wait for a reader who has gone to lunch.
  return told_to_end_by_ != 0 && Clock::now() - *ending_since_ >= kGiveUpAfter;
}

int Job::NextTimeoutMs() const {
  const Time now = Clock::now();
  Time next = std::min(now + kLongestSleep, rendezvous_->next_deadline());
  const auto consider = [&next, now](Time from, std::initializer_list<milliseconds> steps) {
    for (milliseconds step : steps) {
      if (from + step > now) next = std::min(next, from + step);
    }
  };
  if (ending_since_) consider(*ending_since_, {kTermAfter, kKillAfter, kGiveUpAfter});
  for (const Node& node : nodes_) {
    if (node.done || !node.end) continue;
    if (node.reaping) next = std::min(next, now + kReapPause);
    consider(node.ended_at, {kLeftoversTermAfter, kLeftoversKillAfter, kLeftoversGiveUpAfter});
  }
  const auto left = std::chrono::ceil<milliseconds>(next - now);
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

NodeId Job::IdOf(const Node& node) const {
  return NodeId(static_cast<uint32_t>(&node - nodes_.data()));
}

}  // namespace farpage::bootstrap
