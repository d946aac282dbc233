// The segment of this node: made here, filled with allocations, mapped by every node of the host.
#ifndef FARPAGE_TRANSPORT_SHM_OWN_SEGMENT_H_
#define FARPAGE_TRANSPORT_SHM_OWN_SEGMENT_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "transport/lock.h"
#include "transport/rendezvous.h"
#include "transport/shm/arena.h"
#include "transport/shm/layout.h"
#include "transport/transport.h"

namespace farpage::transport::shm {

// A segment's mapping, undone with its owner.
class Mapping {
 public:
  // Maps all `bytes` of `fd`.
  static absl::StatusOr<Mapping> Map(int fd, uint64_t bytes);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept : segment_(other.segment_) { other.segment_ = {}; }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { Unmap(); }
  const Segment& segment() const { return segment_; }

 private:
  explicit Mapping(Segment segment) : segment_(segment) {}
  void Unmap();
  Segment segment_;
};

// Thread-safe. Allocations share its ownership, so they may outlive the transport.
class OwnSegment : public std::enable_shared_from_this<OwnSegment> {
 public:
  // A segment of `bytes` of address space, of which memory is used only where something lies. It is
  // an unnamed file of the kernel, so nothing stays when the last process that has it ends.
  static absl::StatusOr<std::shared_ptr<OwnSegment>> Create(NodeId self, uint32_t nodes,
                                                            uint32_t mailbox_slots, uint64_t bytes);

  const Segment& segment() const { return mapping_.segment(); }
  int fd() const { return fd_.get(); }

  absl::StatusOr<std::unique_ptr<Memory>> Allocate(size_t bytes, std::string_view purpose);

 private:
  friend class ShmMemory;
  struct FreeKey {
    uint32_t index;
    uint32_t generation;  // of its next use
  };

  OwnSegment(NodeId self, OwnedFd fd, Mapping mapping, uint64_t arena_begin);
  void Free(RemoteAddress memory, uint64_t bytes);

  const NodeId self_;
  const OwnedFd fd_;
  const Mapping mapping_;

  ThreadMutex mutex_;
  Arena arena_ ABSL_GUARDED_BY(mutex_);
  // Keys are used in turn, see layout.h: first all that never were, then those given back.
  uint32_t keys_used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<FreeKey> free_keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_OWN_SEGMENT_H_
