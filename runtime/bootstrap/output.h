// Where the nodes' lines and the launcher's own go: stdout and stderr, or a callback.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_H_

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/output_sink.h"

namespace farpage::bootstrap {

class Output {
 public:
  // With a callback, nothing is written to stdout or stderr, and nothing ever waits.
  explicit Output(OutputCallback callback);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void Lines(NodeId node, OutputStream stream, std::string_view lines);
  void Say(const std::string& message);  // a line of the launcher itself, to stderr

  int event_fd() const { return epoll_.get(); }  // readable when Flush() will get on
  void Flush();

  bool congested() const;  // so much is waiting that no more should be read from the nodes
  bool drained() const;
  bool broken(OutputStream stream) const;

 private:
  OutputSink* sink(OutputStream stream) const { return by_stream_[static_cast<size_t>(stream)]; }
  void Watch(size_t index);

  OutputCallback callback_;
  std::array<std::unique_ptr<OutputSink>, 2> sinks_;  // the second is null if both are the same
  std::array<bool, 2> watched_{};
  std::array<OutputSink*, 2> by_stream_{};
  transport::OwnedFd epoll_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_OUTPUT_H_
