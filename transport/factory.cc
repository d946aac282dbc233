#include "transport/factory.h"

#include "absl/strings/str_cat.h"
#include "transport/shm/shm_transport.h"
#include "transport/verbs/verbs_transport.h"

namespace farpage::transport {
namespace {

// A node sends each peer at most one request per page it is fetching, and one answer per page the
// peer is fetching. The engine fetches no more at once than there is room for (slots.h).
constexpr uint32_t kShmMailboxSlots = 512;
constexpr uint32_t kVerbsMailboxSlots = 256;  // each is a receive of a queue pair

VerbsOptions VerbsOptionsOf(const FactoryOptions& options) {
  VerbsOptions verbs;
  verbs.device = options.device;
  verbs.port = options.port > 0 ? static_cast<uint32_t>(options.port) : 0;
  verbs.gid_index = options.gid_index;
  verbs.mtu_bytes = options.mtu_bytes > 0 ? static_cast<uint32_t>(options.mtu_bytes) : 0;
  verbs.mailbox_slots = kVerbsMailboxSlots;
  return verbs;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> CreateTransport(Rendezvous& rendezvous,
                                                           const FactoryOptions& options,
                                                           absl::Time deadline) {
  if (options.name == "shm") {
    ShmOptions shm;
    shm.mailbox_slots = kShmMailboxSlots;
    return CreateShmTransport(rendezvous, shm, deadline);
  }
  if (options.name == "verbs") {
    return CreateVerbsTransport(rendezvous, VerbsOptionsOf(options), deadline);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no transport '", options.name, "'; known are shm and verbs"));
}

}  // namespace farpage::transport
