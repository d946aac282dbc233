// How threads of this node that sleep in the transport are woken. All signal-safe.
#ifndef FARPAGE_TRANSPORT_VERBS_WAKEUPS_H_
#define FARPAGE_TRANSPORT_VERBS_WAKEUPS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "transport/rendezvous.h"

namespace farpage::transport::verbs {

// Nanoseconds of CLOCK_MONOTONIC.
int64_t NowNs();

class Wakeups {
 public:
  static absl::StatusOr<std::unique_ptr<Wakeups>> Create();

  // The agent in WaitForEvents(), and the transport's own thread, sleep on these descriptors.
  int agent_fd() const { return agent_.get(); }
  int watcher_fd() const { return watcher_.get(); }
  void WakeAgent() { Ring(agent_); }
  void WakeWatcher() { Ring(watcher_); }
  // Makes a descriptor unreadable until it is rung again.
  static void Silence(int fd);

  // Changes with every WakeWords().
  uint32_t word_changes() const { return word_changes_.load(std::memory_order_acquire); }
  // Cost when nobody sleeps: two atomic operations.
  void WakeWords();
  // Sleeps until word_changes() differs from `seen`, a signal comes or `ns` have passed.
  void SleepForWords(uint32_t seen, int64_t ns);

 private:
  static void Ring(const OwnedFd& bell);

  OwnedFd agent_;
  OwnedFd watcher_;
  std::atomic<uint32_t> word_changes_{0};
  std::atomic<uint32_t> word_sleepers_{0};
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_WAKEUPS_H_
