// Chains waited for, and words that nodes signal each other with: the bare fabric, for floors too.
#ifndef FARPAGE_RUNTIME_CLI_PERF_FABRIC_TOOLS_H_
#define FARPAGE_RUNTIME_CLI_PERF_FABRIC_TOOLS_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "runtime/spin_lock.h"
#include "transport/transport.h"

namespace farpage::cli::perf {

// Longest wait for a peer in a measurement.
inline constexpr int64_t kPatienceNs = 20'000'000'000;

// Spins until `done()`; false if kPatienceNs pass first. The processor is offered to others now and
// then: the node that is waited for may have to run on it.
template <typename Done>
bool SpinUntil(const Done& done) {
  constexpr unsigned kYieldEvery = 4096;
  timespec begin{};
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (unsigned turn = 1; !done(); ++turn) {
    internal::SpinPause();
    if (turn % kYieldEvery != 0) continue;
    sched_yield();
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - begin.tv_sec) * int64_t{1'000'000'000} > kPatienceNs) return false;
  }
  return true;
}

// Posts a chain and polls until it has ended. For a transport that nobody else polls.
absl::Status RunChain(transport::Transport& transport, NodeId peer,
                      std::span<const transport::Operation> chain);

absl::Status FateStatus(transport::Fate fate, NodeId peer);

// One direction each way between this node and a peer: words that are written one-sidedly and
// looked at until they have changed. What perftest calls a write's latency.
class WordLink {
 public:
  // `own` is a word of this node that the peer writes, `there` one of the peer that this one
  // writes.
  WordLink(transport::Transport& transport, NodeId peer, void* own, transport::RemoteAddress there)
      : transport_(transport), peer_(peer), own_(static_cast<uint64_t*>(own)), there_(there) {}

  absl::Status Signal(uint64_t value);
  // Spins until the peer has signalled `value` or more.
  absl::Status Await(uint64_t value);
  // Whether it has. One load.
  bool Arrived(uint64_t value) const {
    return std::atomic_ref<uint64_t>(*own_).load(std::memory_order_acquire) >= value;
  }

 private:
  transport::Transport& transport_;
  const NodeId peer_;
  uint64_t* const own_;
  const transport::RemoteAddress there_;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_FABRIC_TOOLS_H_
