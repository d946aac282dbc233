#include "runtime/bootstrap/output.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::bootstrap {
namespace {

constexpr size_t kCongestedBytes = 256 << 10;

}  // namespace

Output::Output(OutputCallback callback)
    : callback_(std::move(callback)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (callback_) return;
  sinks_[0] = std::make_unique<OutputSink>(STDOUT_FILENO);
  if (!SameFile(STDOUT_FILENO, STDERR_FILENO)) {
    sinks_[1] = std::make_unique<OutputSink>(STDERR_FILENO);
  }
  by_stream_ = {sinks_[0].get(), sinks_[1] != nullptr ? sinks_[1].get() : sinks_[0].get()};
}

Output::~Output() = default;

void Output::Lines(NodeId node, OutputStream stream, std::string_view lines) {
  if (lines.empty()) return;
  if (callback_) return callback_(node, stream, lines);
  sink(stream)->Write(lines);
  Watch(0);
  Watch(1);
}

void Output::Say(const std::string& message) {
  Lines(NodeId::None(), OutputStream::kStderr, absl::StrCat("farpage: ", message, "\n"));
}

void Output::Watch(size_t index) {
  const OutputSink* sink = sinks_[index].get();
  if (sink == nullptr) return;
  const bool wanted = sink->waiting_bytes() > 0;
  if (wanted == watched_[index]) return;
  epoll_event event{EPOLLOUT, {.u64 = index}};
  const int operation = wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
  if (epoll_ctl(epoll_.get(), operation, sink->poll_fd(), &event) == 0) watched_[index] = wanted;
}

void Output::Flush() {
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (sinks_[i] != nullptr) sinks_[i]->Flush();
    Watch(i);
  }
}

bool Output::congested() const {
  for (const auto& sink : sinks_) {
    if (sink != nullptr && sink->waiting_bytes() > kCongestedBytes) return true;
  }
  return false;
}

bool Output::drained() const {
  for (const auto& sink : sinks_) {
    if (sink != nullptr && sink->waiting_bytes() > 0) return false;
  }
  return true;
}

bool Output::broken(OutputStream stream) const { return !callback_ && sink(stream)->broken(); }

}  // namespace farpage::bootstrap
