// Back ends by name.
#ifndef FARPAGE_TRANSPORT_FACTORY_H_
#define FARPAGE_TRANSPORT_FACTORY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"

namespace farpage::transport {

struct FactoryOptions {
  std::string name = "shm";  // "shm" or "verbs"
  // verbs only; empty or negative: chosen.
  std::string device;
  int32_t port = -1;
  int32_t gid_index = -1;
  int32_t mtu_bytes = -1;
};

// Collective. INVALID_ARGUMENT lists the known names; else the errors of the back end.
absl::StatusOr<std::unique_ptr<Transport>> CreateTransport(Rendezvous& rendezvous,
                                                           const FactoryOptions& options,
                                                           absl::Time deadline);

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_FACTORY_H_
