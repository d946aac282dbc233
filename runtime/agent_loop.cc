#include "runtime/agent_loop.h"

#include "runtime/fatal.h"

namespace farpage::internal {
namespace {
constexpr int64_t kLookAroundNs = 100'000'000;
constexpr int64_t kBusyNs = 1'000'000;
}  // namespace

void AgentLoop::Stop() {
  stop_.store(true);
  fabric_.transport().Interrupt();
}

void AgentLoop::Run() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const int64_t deadline = fabric_.NowNs() + kLookAroundNs;
    if (fabric_.transport().WaitForEvents(deadline)) {
      fabric_.counters().Add(Counter::agent_wakeups);
    }
    ServeWhileBusy();
    LookForFailures();
  }
}

// Not for long: requests that this node refuses come again and again, perhaps until it learns of a
// death.
void AgentLoop::ServeWhileBusy() {
  Fabric::PollingScope polling(fabric_);
  int64_t idle_since = fabric_.NowNs();
  const int64_t look_around_at = idle_since + kBusyNs;
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool served = fabric_.Progress();
    const bool fetched = engine_.FetchStretch();
    const int64_t now = fabric_.NowNs();
    if (fetched || served) idle_since = now;
    if (now - idle_since > spin_ns_ || now >= look_around_at) return;
    SpinPause();
  }
}

void AgentLoop::LookForFailures() {
  for (const bootstrap::PeerDeath& death : membership_.TakeDeaths()) {
    if (death.node.valid()) fabric_.transport().MarkPeerFailed(death.node, death.reason);
  }
  if (!fabric_.AnyFailedPeer().valid()) return;
  engine_.CheckFailures();
  for (uint32_t node = 0; node < fabric_.size(); ++node) {
    if (reported_[node] || !fabric_.transport().peer_failed(NodeId(node))) continue;
    reported_[node] = true;
    if (departing_.load()) continue;
    Complain("node %u: node %u has failed: %s", fabric_.self().value(), node,
             fabric_.transport().failure_reason(NodeId(node)).c_str());
  }
}

}  // namespace farpage::internal
