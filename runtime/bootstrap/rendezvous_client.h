// A node's connection to the launcher that started it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "runtime/bootstrap/frame_io.h"
#include "runtime/bootstrap/membership.h"

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
  absl::Status Handle(Frame frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status HandlePart(Frame frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Begin(std::string_view key, transport::Contribution mine, Clock::duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ExchangeOver() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Break(absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddDeath(PeerDeath death) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const NodeId self_;
  const uint32_t size_;
  transport::OwnedFd socket_;
  transport::OwnedFd exchange_event_;  // eventfd: the exchange under way is over
  transport::OwnedFd death_event_;     // eventfd: deaths_ is not empty
  transport::OwnedFd event_;           // epoll of socket_ and death_event_

  absl::Mutex mutex_;
  FrameReceiver receiver_ ABSL_GUARDED_BY(mutex_);
  SendQueue to_send_ ABSL_GUARDED_BY(mutex_);
  SendQueue::Progress sending_ ABSL_GUARDED_BY(mutex_) = SendQueue::Progress::kEmpty;
  std::vector<PeerDeath> deaths_ ABSL_GUARDED_BY(mutex_);
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);  // why no exchange can succeed any more
  bool open_ ABSL_GUARDED_BY(mutex_) = true;     // the launcher is there
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  bool admitted_ ABSL_GUARDED_BY(mutex_) = false;
  bool exchanging_ ABSL_GUARDED_BY(mutex_) = false;
  uint32_t parts_here_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<bool> part_here_ ABSL_GUARDED_BY(mutex_);
  std::vector<transport::Contribution> parts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_RENDEZVOUS_CLIENT_H_
