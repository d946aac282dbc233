#include "transport/shm/peer_watch.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "transport/shm/set_up_error.h"

namespace farpage::transport::shm {

absl::StatusOr<Lifeline> MakeLifeline(bool use_pipe) {
  Lifeline line;
  if (!use_pipe) {
    // Always closed on exec.
    line.given = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (line.given.get() >= 0) return line;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SetUpError("pipe2");
  line.given = OwnedFd(ends[0]);
  line.kept = OwnedFd(ends[1]);
  return line;
}

absl::StatusOr<std::unique_ptr<PeerWatch>> PeerWatch::Create() {
  OwnedFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return SetUpError("epoll_create1");
  return std::unique_ptr<PeerWatch>(new PeerWatch(std::move(epoll)));
}

absl::Status PeerWatch::Add(NodeId peer, OwnedFd lifeline) {
  epoll_event event{};
  // One shot: the end is reported to one thread, and then no more.
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u32 = peer.value();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, lifeline.get(), &event) != 0) {
    return SetUpError("epoll_ctl");
  }
  lifelines_.push_back(std::move(lifeline));
  return absl::OkStatus();
}

NodeId PeerWatch::TakeEnded() {
  epoll_event event{};
  if (::epoll_wait(epoll_.get(), &event, 1, 0) <= 0) return NodeId::None();
  return NodeId(event.data.u32);
}

}  // namespace farpage::transport::shm
