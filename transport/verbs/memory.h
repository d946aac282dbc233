// Registered memory: a memfd mapped here, which the device reads and writes for this node and its
// peers.
#ifndef FARPAGE_TRANSPORT_VERBS_MEMORY_H_
#define FARPAGE_TRANSPORT_VERBS_MEMORY_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"
#include "transport/verbs/device.h"
#include "transport/verbs/handles.h"

namespace farpage::transport::verbs {

// A shared file mapping rather than private memory: a fork() does not move its pages away from the
// device, and it can be mapped a second time.
class RegisteredMemory final : public Memory {
 public:
  // Errors: RESOURCE_EXHAUSTED with the limit and the number needed.
  static absl::StatusOr<std::unique_ptr<RegisteredMemory>> Allocate(
      std::shared_ptr<const Device> device, size_t bytes, std::string_view purpose);
  ~RegisteredMemory() override;

 private:
  explicit RegisteredMemory(std::shared_ptr<const Device> device);

  std::shared_ptr<const Device> device_;
  OwnedFd file_;
  RegionHandle region_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_MEMORY_H_
