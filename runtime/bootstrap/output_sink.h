// Writes to a descriptor of ours without ever blocking on whoever reads it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_SINK_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_SINK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "transport/rendezvous.h"

namespace farpage::bootstrap {

// The launcher must keep serving the rendezvous and signals while its reader (a pager, a stopped
// terminal) does not read. O_NONBLOCK on stdout itself would change it for the shell too, so a pipe
// or terminal is opened a second time; a socket has a flag; a file never blocks for long.
class OutputSink {
 public:
  explicit OutputSink(int fd);  // stays the caller's

  // Adds to what is waiting and sends what can be sent. The caller bounds what is waiting.
  void Write(std::string_view text);
  void Flush();

  size_t waiting_bytes() const { return waiting_.size() - sent_; }
  int poll_fd() const { return own_.get() >= 0 ? own_.get() : fd_; }
  // Nobody can read it any more (or the disk is full); what is written is dropped.
  bool broken() const { return error_ != 0; }
  int error() const { return error_; }  // errno

 private:
  enum class Kind : uint8_t {
    kFile,       // write() does not wait for anybody
    kOpenedNew,  // own_ is the same pipe or terminal, non-blocking
    kSocket,
    kShared,  // could not be opened again: written to in small pieces, when poll() says there is
              // room
  };
  // −1 with errno, as write().
  long WriteSome(const char* data, size_t size) const;

  int fd_;
  transport::OwnedFd own_;
  Kind kind_ = Kind::kFile;
  std::string waiting_;
  size_t sent_ = 0;
  int error_ = 0;
};

// True if both refer to the same pipe, terminal, socket or file, so that what is written to both
// must go through one sink lest lines get mixed.
bool SameFile(int a, int b);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_SINK_H_
