// What a transport needs from whoever brings the cluster together: a collective exchange of bytes
// and file descriptors. Implemented by runtime/bootstrap, and in one process for tests.
#ifndef FARPAGE_TRANSPORT_RENDEZVOUS_H_
#define FARPAGE_TRANSPORT_RENDEZVOUS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transport/types.h"

namespace farpage::transport {

// A file descriptor that is closed with its owner.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd() { reset(); }

  int get() const { return fd_; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

struct Contribution {
  std::string bytes;         // at most 1 MiB
  std::vector<OwnedFd> fds;  // at most 16, and only where carries_fds()
};

class Rendezvous {
 public:
  virtual ~Rendezvous() = default;

  virtual NodeId self() const = 0;
  virtual uint32_t size() const = 0;
  // True if nodes share a host, so that file descriptors can be passed.
  virtual bool carries_fds() const = 0;

  // Collective: every node calls it with the same `key`, in the same order, one call at a time.
  // Returns all contributions, by node id (this node's own too, descriptors duplicated).
  // Errors: DEADLINE_EXCEEDED naming the nodes that are missing; UNAVAILABLE naming a node that
  // died; INVALID_ARGUMENT when another node is at a different key, with both keys.
  virtual absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view key,
                                                              Contribution mine,
                                                              absl::Time deadline) = 0;
};

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_RENDEZVOUS_H_
