// The back ends that the conformance suite can run. A back end adds itself by one file with
//   const bool registered = RegisterBackend({"name", Create…, repetitions});
// linked into the test program.
#ifndef FARPAGE_TESTS_TRANSPORT_BACKEND_H_
#define FARPAGE_TESTS_TRANSPORT_BACKEND_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"

namespace farpage::transport {

struct Backend {
  std::string name;
  // Collective, as the back end's own factory.
  std::function<absl::StatusOr<std::unique_ptr<Transport>>(Rendezvous&, absl::Time deadline)>
      create;
  // How often a test repeats an exchange in which threads may sleep: as often as takes a second.
  uint32_t repetitions = 1000;
  // The same for operations of one thread where they are much faster: they must take longer than a
  // time slice, or threads that should collide run one after another. 0: as repetitions.
  uint32_t operations = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Backend& backend) {
  return out << backend.name;
}

// Called while static variables are initialised. Returns true.
bool RegisterBackend(Backend backend);

// Those that FARPAGE_TEST_TRANSPORTS names, separated by commas; "shm" if it is not set. A name
// that is not linked into the program is there too, and all its tests fail: what was asked for is
// never skipped.
std::vector<Backend> BackendsUnderTest();

}  // namespace farpage::transport

#endif  // FARPAGE_TESTS_TRANSPORT_BACKEND_H_
