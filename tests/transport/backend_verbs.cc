#include "tests/transport/backend.h"
#include "transport/verbs/verbs_transport.h"

namespace farpage::transport {
namespace {

const bool registered =
    RegisterBackend({"verbs",
                     [](Rendezvous& rendezvous, absl::Time deadline) {
                       return CreateVerbsTransport(rendezvous, VerbsOptions{}, deadline);
                     },
                     200});

}  // namespace
}  // namespace farpage::transport
