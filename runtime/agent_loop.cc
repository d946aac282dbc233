#include "runtime/agent_loop.h"

#include "runtime/fatal.h"

namespace farpage::internal {
namespace {
constexpr int64_t kLookAroundNs = 100'000'000;
}

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

void AgentLoop::ServeWhileBusy() {
  Fabric::PollingScope polling(fabric_);
  int64_t idle_since = fabric_.NowNs();
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool served = fabric_.Progress();
    if (engine_.FetchStretch() || served) {
      idle_since = fabric_.NowNs();
    } else if (fabric_.NowNs() - idle_since > spin_ns_) {
      return;
    }
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
