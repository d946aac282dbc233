// Registered memory of one simulated node.
#ifndef FARPAGE_TRANSPORT_SIM_REGISTRATIONS_H_
#define FARPAGE_TRANSPORT_SIM_REGISTRATIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/transport.h"

namespace farpage::transport::sim {

// Remote addresses are made of the key and the offset: they are the same in every execution, which
// those of the process are not.
class Registrations {
 public:
  // Zeroed, page-aligned memory. fd() of it is −1 and fd_offset() its address: it belongs to this
  // process, where a second mapping would not be another's. RESOURCE_EXHAUSTED.
  absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes);

  // Where the bytes are, or null: outside, or a stale key.
  std::byte* Resolve(RemoteAddress address, uint64_t bytes) const;
  // Whether they may be named in operations of this node.
  bool Covers(const void* local, LocalKey key, uint64_t bytes) const;

 private:
  class Piece;
  struct Range {
    std::byte* base = nullptr;  // null: given back
    size_t bytes = 0;
  };
  // Shared with the pieces, which may outlive the node.
  std::shared_ptr<std::vector<Range>> ranges_ = std::make_shared<std::vector<Range>>();
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_REGISTRATIONS_H_
