// For the thread sanitizer: where the runtime reads pages of the application's view.
#ifndef FARPAGE_RUNTIME_MEMORY_VIEW_READING_H_
#define FARPAGE_RUNTIME_MEMORY_VIEW_READING_H_

#include "transport/sanitizers.h"

#if defined(FARPAGE_THREAD_SANITIZER)
// Of the sanitizer's run-time library, whose header does not declare them.
extern "C" {
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
}
#endif

namespace farpage::internal {

// While one lives, the thread sanitizer takes no note of what this thread reads and writes, except
// of the order that its atomics make. A page is read while it is protected, so application threads
// do not write it. The sanitizer does not know of protection: it takes note of a store before the
// processor tries it, thus before the fault and all that the fault's handler waits for. In other
// builds this is nothing. Signal-safe.
class ViewReading {
 public:
#if defined(FARPAGE_THREAD_SANITIZER)
  ViewReading() { __tsan_ignore_thread_begin(); }
  ~ViewReading() { __tsan_ignore_thread_end(); }
#else
  ViewReading() {}   // NOLINT(modernize-use-equals-default): a trivial one would be "unused"
  ~ViewReading() {}  // NOLINT(modernize-use-equals-default)
#endif
  ViewReading(const ViewReading&) = delete;
  ViewReading& operator=(const ViewReading&) = delete;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_MEMORY_VIEW_READING_H_
