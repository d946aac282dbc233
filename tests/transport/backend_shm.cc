#include "tests/transport/backend.h"
#include "transport/shm/shm_transport.h"

namespace farpage::transport {
namespace {

const bool registered =
    RegisterBackend({"shm",
                     [](Rendezvous& rendezvous, absl::Time deadline) {
                       return CreateShmTransport(rendezvous, ShmOptions{}, deadline);
                     },
                     20'000, 200'000});

}  // namespace
}  // namespace farpage::transport
