// The transport's own thread: notices deaths and device events, and cleans up after peers that have
// failed. It sleeps except when one of these happens.
#ifndef FARPAGE_TRANSPORT_VERBS_WATCHER_H_
#define FARPAGE_TRANSPORT_VERBS_WATCHER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/rendezvous.h"
#include "transport/verbs/completions.h"
#include "transport/verbs/inboxes.h"
#include "transport/verbs/lifelines.h"
#include "transport/verbs/peers.h"
#include "transport/verbs/queue_pair.h"
#include "transport/verbs/send_queue.h"
#include "transport/verbs/wakeups.h"

namespace farpage::transport::verbs {

class Watcher {
 public:
  // What the thread works on. All outlive it.
  struct World {
    ibv_context* device = nullptr;  // its asynchronous events do not block
    std::span<QueuePair> pairs;     // by peer, as the next
    std::span<const std::unique_ptr<SendQueue>> send_queues;
    Lifelines* lifelines = nullptr;
    Completions* completions = nullptr;
    Inboxes* inboxes = nullptr;
    Peers* peers = nullptr;
    Wakeups* wakeups = nullptr;
  };

  // Starts the thread, with all signals blocked.
  static absl::StatusOr<std::unique_ptr<Watcher>> Start(const World& world);
  ~Watcher();

 private:
  // A process that ends takes its memory from the device a moment before or after its lifeline
  // closes. A refused address is taken for a wrong one if the lifeline stays open this long.
  static constexpr int64_t kJudgementNs = 50'000'000;
  // A broken connection flushes its work requests at once. If the device has not told by then, it
  // never will.
  static constexpr int64_t kFlushNs = 1'000'000'000;
  static constexpr int kTickMs = 10;     // while either goes on
  static constexpr int kDebtTickMs = 1;  // while credits are owed

  // What is left to do for a peer.
  enum class Stage : uint8_t { kUp, kJudging, kFlushing, kDone };
  struct Progress {
    Stage stage = Stage::kUp;
    int64_t failed_ns = 0;
  };

  explicit Watcher(const World& world);

  void Run();
  int Timeout() const;
  void LookAtLifeline(NodeId peer);
  void TakeDeviceEvents();
  void FailAll(ibv_event_type why);
  void CleanUp(NodeId peer);
  void Flush(NodeId peer);

  const World world_;
  OwnedFd epoll_;
  std::vector<Progress> progress_;  // by peer
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_WATCHER_H_
