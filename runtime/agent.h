// The one thread that a node has beside the application's: it serves peers while those compute.
#ifndef FARPAGE_RUNTIME_AGENT_H_
#define FARPAGE_RUNTIME_AGENT_H_

#include <cstdint>
#include <thread>

#include "runtime/agent_loop.h"

namespace farpage::internal {

// Runs an AgentLoop on a thread of its own for as long as it lives.
class Agent {
 public:
  Agent(Fabric& fabric, Engine& engine, bootstrap::Membership& membership, int64_t spin_ns);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // From now on peers may go without that being a failure.
  void ExpectDepartures() { loop_.ExpectDepartures(); }

 private:
  AgentLoop loop_;
  std::thread thread_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_AGENT_H_
