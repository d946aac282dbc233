#include "runtime/agent.h"

#include <pthread.h>

#include <csignal>

namespace farpage::internal {

Agent::Agent(Fabric& fabric, Engine& engine, bootstrap::Membership& membership, int64_t spin_ns)
    : loop_(fabric, engine, membership, spin_ns) {
  // The application's signals go to the application's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "farpage-agent");
    loop_.Run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Agent::~Agent() {
  loop_.Stop();
  thread_.join();
}

}  // namespace farpage::internal
