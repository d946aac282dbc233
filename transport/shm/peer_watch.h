// Notices that a process of this host has ended, in whatever way.
#ifndef FARPAGE_TRANSPORT_SHM_PEER_WATCH_H_
#define FARPAGE_TRANSPORT_SHM_PEER_WATCH_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/rendezvous.h"
#include "transport/types.h"

namespace farpage::transport::shm {

// What a process keeps and gives to others so that they notice its end. A descriptor of the process
// itself (pidfd) where the system has them: a forked child does not keep it alive. Otherwise the
// read end of a pipe, of which only this process has the write end.
struct Lifeline {
  OwnedFd given;  // becomes readable or hangs up with the end
  OwnedFd kept;
};
absl::StatusOr<Lifeline> MakeLifeline(bool use_pipe);

// Watches the lifelines of peers. Any thread may call Add() before and TakeEnded() after set-up.
class PeerWatch {
 public:
  static absl::StatusOr<std::unique_ptr<PeerWatch>> Create();

  absl::Status Add(NodeId peer, OwnedFd lifeline);

  // Readable when TakeEnded() has something.
  int fd() const { return epoll_.get(); }

  // Returns a peer that has ended, once, or NodeId::None(). Signal-safe; one system call.
  NodeId TakeEnded();

 private:
  explicit PeerWatch(OwnedFd epoll) : epoll_(std::move(epoll)) {}

  OwnedFd epoll_;
  std::vector<OwnedFd> lifelines_;
};

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_PEER_WATCH_H_
