// Threads that the simulation switches between by itself: a stack each, no time of their own.
#ifndef FARPAGE_TRANSPORT_SIM_FIBER_H_
#define FARPAGE_TRANSPORT_SIM_FIBER_H_

#include <cstddef>
#include <functional>

namespace farpage::transport::sim {

// A stack with a guard page below it. Kept by the process for the next fiber when it is given back.
class FiberStack {
 public:
  // Stops the process if there is no memory.
  FiberStack();
  ~FiberStack();
  FiberStack(const FiberStack&) = delete;
  FiberStack& operator=(const FiberStack&) = delete;

  std::byte* base() const { return base_; }
  static size_t bytes();

 private:
  std::byte* base_;
};

// One flow of control. A default-made context stands for the thread that makes it. All contexts
// that switch to each other belong to one thread of the operating system.
class FiberContext {
 public:
  FiberContext();
  // A flow that runs `body` on `stack` when it is first switched to; body must not return.
  FiberContext(const FiberStack& stack, std::function<void()> body);
  ~FiberContext();
  FiberContext(const FiberContext&) = delete;
  FiberContext& operator=(const FiberContext&) = delete;

  // Goes on in `next`; returns when somebody switches back. `leaving`: nobody will.
  void SwitchTo(FiberContext& next, bool leaving = false);

 private:
  struct Machine;
  static void Enter(FiberContext* self);
  void Arrived();

  Machine* machine_;
  std::function<void()> body_;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_FIBER_H_
