// The one thread that a node has beside the application's: it serves peers while those compute.
#ifndef FARPAGE_RUNTIME_AGENT_H_
#define FARPAGE_RUNTIME_AGENT_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "runtime/bootstrap/membership.h"
#include "runtime/engine/engine.h"
#include "runtime/fabric.h"

namespace farpage::internal {

// Sleeps until something comes in, serves it, spins briefly in case more comes, sleeps again. Also
// learns of nodes that have failed, says so on standard error, and ends what waits for them.
class Agent {
 public:
  Agent(Fabric& fabric, Engine& engine, bootstrap::Membership& membership, int64_t spin_ns);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // From now on peers may go without that being a failure.
  void ExpectDepartures() { departing_.store(true); }

 private:
  void Run();
  void ServeWhileBusy();
  void LookForFailures();

  Fabric& fabric_;
  Engine& engine_;
  bootstrap::Membership& membership_;
  const int64_t spin_ns_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> departing_{false};
  std::array<bool, kMaxNodes> reported_{};  // failures already told; the agent's thread only
  std::thread thread_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_AGENT_H_
