// Locks that clang's thread-safety analysis sees (-Wthread-safety): what is ABSL_GUARDED_BY one of
// them can only be touched where it is held. The standard library's own carry no annotations.
#ifndef FARPAGE_TRANSPORT_LOCK_H_
#define FARPAGE_TRANSPORT_LOCK_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace farpage {

// Holds a lock from here to the end of the block.
template <typename Lock>
class ABSL_SCOPED_LOCKABLE Hold {
 public:
  explicit Hold(Lock& lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) { lock_.lock(); }
  ~Hold() ABSL_UNLOCK_FUNCTION() { lock_.unlock(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  Lock& lock_;
};

// std::mutex, among the threads of a node. (Not absl's: the one of Debian is invisible to the
// thread sanitizer.)
class ABSL_LOCKABLE ThreadMutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

}  // namespace farpage

#endif  // FARPAGE_TRANSPORT_LOCK_H_
