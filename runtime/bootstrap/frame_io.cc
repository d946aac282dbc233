#include "runtime/bootstrap/frame_io.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace farpage::bootstrap {
namespace {

using transport::OwnedFd;

struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxContributionFds)> bytes{};
};

std::vector<OwnedFd> TakeDescriptors(msghdr& header) {
  std::vector<OwnedFd> fds;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

void PutDescriptors(const std::vector<OwnedFd>& fds, ControlBuffer& buffer, msghdr& header) {
  header.msg_control = buffer.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  for (size_t i = 0; i < fds.size(); ++i) {
    const int fd = fds[i].get();
    std::memcpy(CMSG_DATA(control) + i * sizeof(int), &fd, sizeof(int));
  }
}

}  // namespace

absl::StatusOr<bool> FrameReceiver::ReceiveFrom(int socket, bool& more) {
  std::array<std::byte, kReadBytes> piece;
  ControlBuffer control;
  iovec vector{piece.data(), piece.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  const ssize_t got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  more = got > 0 || (got < 0 && errno == EINTR);
  if (got == 0) return false;
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return true;
    return false;  // a reset is an end too
  }
  std::vector<OwnedFd> fds = TakeDescriptors(header);
  const auto size = static_cast<size_t>(got);
  if (absl::Status ok = Append(std::span(piece).first(size), std::move(fds)); !ok.ok()) return ok;
  return true;
}

absl::Status FrameReceiver::Append(std::span<const std::byte> bytes, std::vector<OwnedFd> fds) {
  if (fds_.size() + fds.size() > kMaxWaitingFds) {
    return absl::InvalidArgumentError("descriptors without messages");
  }
  for (OwnedFd& fd : fds) fds_.push_back(std::move(fd));
  buffer_.erase(0, taken_);
  taken_ = 0;
  buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Frame>> FrameReceiver::Next() {
  const auto rest = std::as_bytes(std::span(buffer_)).subspan(taken_);
  if (rest.size() < kFrameHeaderBytes) return std::nullopt;
  const absl::StatusOr<FrameHeader> header = DecodeFrameHeader(rest.first(kFrameHeaderBytes));
  if (!header.ok()) return header.status();
  if (header->payload_bytes > max_payload_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a message of %d bytes; at most %d are allowed", header->payload_bytes,
                        max_payload_bytes_));
  }
  if (rest.size() - kFrameHeaderBytes < header->payload_bytes) return std::nullopt;
  // The kernel drops descriptors for which this process has no room.
  if (fds_.size() < header->fds) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "of %d descriptors announced, %d arrived: is the limit on open files (ulimit -n) too low?",
        header->fds, fds_.size()));
  }
  Frame frame;
  frame.type = header->type;
  frame.payload = buffer_.substr(taken_ + kFrameHeaderBytes, header->payload_bytes);
  for (uint8_t i = 0; i < header->fds; ++i) {
    frame.fds.push_back(std::move(fds_.front()));
    fds_.pop_front();
  }
  taken_ += kFrameHeaderBytes + header->payload_bytes;
  return frame;
}

absl::StatusOr<SendQueue::Progress> SendQueue::Flush(int socket) {
  while (!frames_.empty()) {
    std::array<iovec, kFramesAtOnce> pieces;
    msghdr header{};
    header.msg_iov = pieces.data();
    header.msg_iovlen = Gather(pieces);
    ControlBuffer control;
    const std::vector<OwnedFd>& fds = frames_.front()->fds;
    if (sent_ == 0 && !fds.empty()) PutDescriptors(fds, control, header);
    const ssize_t sent = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      Drop(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Progress::kSocket;
    if (errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM) return Progress::kLittleLater;
    return absl::UnavailableError(absl::StrFormat("sendmsg: %s", std::strerror(errno)));
  }
  return Progress::kEmpty;
}

size_t SendQueue::Gather(std::span<iovec> pieces) const {
  size_t count = 0;
  size_t skipped = sent_;
  for (const auto& frame : frames_) {
    // Descriptors go with the first byte of a call, so a frame that has some begins one.
    if (count == pieces.size() || (count > 0 && !frame->fds.empty())) break;
    pieces[count++] = {const_cast<char*>(frame->bytes.data()) + skipped,
                       frame->bytes.size() - skipped};
    skipped = 0;
  }
  return count;
}

void SendQueue::Drop(size_t bytes) {
  sent_ += bytes;
  while (!frames_.empty() && sent_ >= frames_.front()->bytes.size()) {
    sent_ -= frames_.front()->bytes.size();
    frames_.pop_front();
  }
}

}  // namespace farpage::bootstrap
