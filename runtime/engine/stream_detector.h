// Finds sequential streams in the faults of one thread.
#ifndef FARPAGE_RUNTIME_ENGINE_STREAM_DETECTOR_H_
#define FARPAGE_RUNTIME_ENGINE_STREAM_DETECTOR_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/engine/region.h"
#include "runtime/engine/slots.h"

namespace farpage::internal {

// Remembers where the last few streams of a thread go on. A fault exactly there doubles the window;
// any other begins a stream of window one in place of the oldest. Not thread-safe; signal-safe.
class StreamDetector {
 public:
  struct Stream {
    uint64_t next = 0;    // page where the stream goes on; the caller sets it after fetching
    uint64_t ahead = 0;   // first page of what the agent was asked for last; 0: nothing
    uint32_t window = 0;  // pages to fetch; 0: unused
    Access access = Access::kRead;
  };

  static StreamDetector& OfThisThread() {
    constinit static thread_local StreamDetector detector;
    return detector;
  }

  // The stream that a fault on `page` belongs to.
  Stream& Note(PageId page, Access access) {
    for (Stream& stream : streams_) {
      const bool goes_on =
          stream.next == page.value || (stream.ahead == page.value && page.value != 0);
      if (goes_on && stream.access == access && stream.window != 0) {
        stream.window = std::min<uint32_t>(2 * stream.window, Run::kMaxPages);
        return stream;
      }
    }
    Stream& stream = streams_[oldest_];
    stream = {page.value + 1, 0, 1, access};
    oldest_ = (oldest_ + 1) % kStreams;
    return stream;
  }

 private:
  static constexpr uint32_t kStreams = 4;
  std::array<Stream, kStreams> streams_{};
  uint32_t oldest_ = 0;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_STREAM_DETECTOR_H_
