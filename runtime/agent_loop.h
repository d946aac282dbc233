// What a node's agent does, on whichever thread it runs.
#ifndef FARPAGE_RUNTIME_AGENT_LOOP_H_
#define FARPAGE_RUNTIME_AGENT_LOOP_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "runtime/bootstrap/membership.h"
#include "runtime/engine/engine.h"
#include "runtime/fabric.h"

namespace farpage::internal {

// Sleeps until something comes in, serves it, spins briefly in case more comes, sleeps again. Also
// learns of nodes that have failed, says so on standard error, and ends what waits for them.
class AgentLoop {
 public:
  // `spin_ns`: how long it looks for more after it has served something.
  AgentLoop(Fabric& fabric, Engine& engine, bootstrap::Membership& membership, int64_t spin_ns)
      : fabric_(fabric), engine_(engine), membership_(membership), spin_ns_(spin_ns) {}
  AgentLoop(const AgentLoop&) = delete;
  AgentLoop& operator=(const AgentLoop&) = delete;

  // Until Stop(). One thread.
  void Run();

  // Makes Run() return soon. Any thread.
  void Stop();

  // From now on peers may go without that being a failure. Any thread.
  void ExpectDepartures() { departing_.store(true); }

 private:
  void ServeWhileBusy();
  void LookForFailures();

  Fabric& fabric_;
  Engine& engine_;
  bootstrap::Membership& membership_;
  const int64_t spin_ns_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> departing_{false};
  std::array<bool, kMaxNodes> reported_{};  // failures already told; the thread of Run() only
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_AGENT_LOOP_H_
