// Frames over a non-blocking Unix stream socket, with descriptors beside them.
//
// A frame's descriptors travel with its first byte, so they are here once the frame is whole, and
// are handed out in the order they came.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_FRAME_IO_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_FRAME_IO_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/bootstrap/messages.h"
#include "transport/rendezvous.h"

namespace farpage::bootstrap {

struct Frame {
  MessageType type = MessageType::kHello;
  std::string payload;
  std::vector<transport::OwnedFd> fds;

  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(payload)); }
};

// Puts frames together from whatever pieces arrive. Holds at most one frame of the largest size
// allowed, the last piece read, and kMaxWaitingFds descriptors. After an error it is of no use.
class FrameReceiver {
 public:
  static constexpr size_t kMaxWaitingFds = 64;
  static constexpr size_t kReadBytes = 64 << 10;

  explicit FrameReceiver(uint32_t max_payload_bytes) : max_payload_bytes_(max_payload_bytes) {}
  void set_max_payload_bytes(uint32_t bytes) { max_payload_bytes_ = bytes; }

  // Takes one piece off the socket. Returns false at its end (also when the peer died), true
  // otherwise, `more` telling whether another call may find something.
  absl::StatusOr<bool> ReceiveFrom(int socket, bool& more);

  // The same for bytes and descriptors that are here already.
  absl::Status Append(std::span<const std::byte> bytes, std::vector<transport::OwnedFd> fds);

  // The next whole frame, if there is one. INVALID_ARGUMENT for one that is malformed or too
  // large, RESOURCE_EXHAUSTED if its descriptors did not all fit into this process.
  absl::StatusOr<std::optional<Frame>> Next();

 private:
  uint32_t max_payload_bytes_;
  std::string buffer_;
  size_t taken_ = 0;  // bytes of buffer_ handed out already
  std::deque<transport::OwnedFd> fds_;
};

// A frame on its way to any number of sockets. The descriptors stay its own.
struct OutgoingFrame {
  std::string bytes;
  std::vector<transport::OwnedFd> fds;
};

// Frames waiting for one socket to take them. The caller bounds how many.
class SendQueue {
 public:
  enum class Progress : uint8_t {
    kEmpty,       // everything was sent
    kSocket,      // go on when the socket is writable
    kLittleLater  // too many descriptors are on their way between processes: try again soon
  };

  void Push(std::shared_ptr<const OutgoingFrame> frame) { frames_.push_back(std::move(frame)); }
  size_t size() const { return frames_.size(); }

  // Sends what the socket takes without blocking. UNAVAILABLE when the peer is gone.
  absl::StatusOr<Progress> Flush(int socket);

 private:
  static constexpr size_t kFramesAtOnce = 64;
  // What one call may send: the first frame, and those after it up to one that has descriptors.
  size_t Gather(std::span<iovec> pieces) const;
  void Drop(size_t bytes);  // sent

  std::deque<std::shared_ptr<const OutgoingFrame>> frames_;
  size_t sent_ = 0;  // bytes of the first frame
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_FRAME_IO_H_
