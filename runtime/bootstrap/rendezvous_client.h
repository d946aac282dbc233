// A node's connection to the launcher that started it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/bootstrap/frame_io.h"
#include "runtime/bootstrap/launcher_news.h"
#include "runtime/bootstrap/membership.h"
#include "transport/lock.h"

namespace farpage::bootstrap {

// Whichever thread finds the socket readable takes in what is there, under the mutex, for both: the
// parts of an exchange and the news of deaths. Two eventfds tell the other thread what it missed.
// The mutex is never held while waiting.
class RendezvousClient final : public Membership {
 public:
  // Connects and is admitted. See JoinCluster().
  static absl::StatusOr<std::unique_ptr<RendezvousClient>> Connect(const NodeOptions& node,
                                                                   absl::Time deadline);

  NodeId self() const override { return self_; }
  uint32_t size() const override { return size_; }
  bool carries_fds() const override { return true; }
  absl::StatusOr<std::vector<transport::Contribution>> AllGather(std::string_view key,
                                                                 transport::Contribution mine,
                                                                 absl::Time deadline) override;
  int event_fd() const override { return event_.get(); }
  std::vector<PeerDeath> TakeDeaths() override;
  void Leave() override;

 private:
  using Clock = std::chrono::steady_clock;

  RendezvousClient(NodeId self, uint32_t size);
  absl::Status Open(const NodeOptions& node, Clock::time_point deadline);
  absl::Status BeAdmitted(const NodeOptions& node, Clock::time_point deadline);
  absl::Status MakeEvents();

  // Sleeps until the socket or `exchange_event_` has something, or `deadline`: then false.
  bool WaitForExchange(SendQueue::Progress sending, Clock::time_point deadline);

  void TakeIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadAndSend() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Begin(std::string_view key, transport::Contribution mine, Clock::duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const NodeId self_;
  const uint32_t size_;
  transport::OwnedFd socket_;
  transport::OwnedFd exchange_event_;  // eventfd: the exchange under way is over
  transport::OwnedFd death_event_;     // eventfd: there is news of deaths
  transport::OwnedFd event_;           // epoll of socket_ and death_event_

  ThreadMutex mutex_;
  FrameReceiver receiver_ ABSL_GUARDED_BY(mutex_);
  SendQueue to_send_ ABSL_GUARDED_BY(mutex_);
  SendQueue::Progress sending_ ABSL_GUARDED_BY(mutex_) = SendQueue::Progress::kEmpty;
  LauncherNews news_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = true;  // the launcher is there
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_
