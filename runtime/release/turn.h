// A thread's turn to release or to acquire.
#ifndef FARPAGE_RUNTIME_RELEASE_TURN_H_
#define FARPAGE_RUNTIME_RELEASE_TURN_H_

#include "runtime/release/release_engine.h"

namespace farpage::internal {

class ReleaseEngine::Turn {
 public:
  explicit Turn(ReleaseEngine& engine)
      : queue_(engine.turns_),
        held_(queue_.TryAcquire() || queue_.AcquireBy(engine.cluster_.DeadlineNs())) {}
  ~Turn() {
    if (held_) queue_.Release();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // False if the deadline passed first.
  bool held() const { return held_; }

 private:
  ThreadQueue& queue_;
  const bool held_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_TURN_H_
