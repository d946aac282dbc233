#include "runtime/bootstrap/output_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"

namespace farpage::bootstrap {
namespace {

constexpr size_t kSmallPieceBytes = 512;     // what POLLOUT promises room for, at the very least
constexpr size_t kCompactBytes = 256 << 10;  // sent bytes kept before they are dropped

}  // namespace

OutputSink::OutputSink(int fd) : fd_(fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return;
  if (S_ISSOCK(file.st_mode)) kind_ = Kind::kSocket;
  if (S_ISREG(file.st_mode) || S_ISBLK(file.st_mode) || S_ISSOCK(file.st_mode)) return;
  const std::string path = absl::StrCat("/proc/self/fd/", fd);
  own_ = transport::OwnedFd(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  kind_ = own_.get() >= 0 ? Kind::kOpenedNew : Kind::kShared;
}

long OutputSink::WriteSome(const char* data, size_t size) const {
  switch (kind_) {
    case Kind::kFile:
      return write(fd_, data, size);
    case Kind::kOpenedNew:
      return write(own_.get(), data, size);
    case Kind::kSocket:
      return send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::kShared:
      break;
  }
  pollfd room{fd_, POLLOUT, 0};
  if (poll(&room, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return write(fd_, data, std::min(size, kSmallPieceBytes));
}

void OutputSink::Write(std::string_view text) {
  if (broken()) return;
  waiting_.append(text);
  Flush();
}

void OutputSink::Flush() {
  while (waiting_bytes() > 0) {
    const long written = WriteSome(waiting_.data() + sent_, waiting_bytes());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written < 0) {
      error_ = errno;
      sent_ = waiting_.size();
      break;
    }
    sent_ += static_cast<size_t>(written);
  }
  if (sent_ == waiting_.size() || sent_ >= kCompactBytes) {
    waiting_.erase(0, sent_);
    sent_ = 0;
  }
}

bool SameFile(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (fstat(a, &first) != 0 || fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace farpage::bootstrap
