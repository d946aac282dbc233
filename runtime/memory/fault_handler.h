// Catches the faults of application threads on shared memory and serves them on the spot.
#ifndef FARPAGE_RUNTIME_MEMORY_FAULT_HANDLER_H_
#define FARPAGE_RUNTIME_MEMORY_FAULT_HANDLER_H_

#include <cstddef>

#include "absl/status/status.h"
#include "farpage/node.h"

namespace farpage::internal {

// Who serves faults. Called in the signal handler of the faulting thread: signal-safe.
class FaultServer {
 public:
  virtual ~FaultServer() = default;
  // Whether `address` lies in the shared range.
  virtual bool Owns(const void* address) const = 0;
  // Makes the access possible and returns true, or says on standard error why it cannot be: false.
  virtual bool Serve(void* address, Access access) = 0;
};

// Installs handlers for SIGBUS and SIGSEGV; a signal that is not about shared memory, or that
// cannot be served, goes to the handler that was there before (default: the process dies of it).
// One server per process: ALREADY_EXISTS. Not signal-safe.
absl::Status InstallFaultHandler(FaultServer* server);

// Puts the previous handlers back, unless somebody has installed others since: then the signals are
// only passed on. No thread may be in Serve().
void RemoveFaultHandler();

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_MEMORY_FAULT_HANDLER_H_
