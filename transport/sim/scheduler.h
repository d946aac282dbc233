// Virtual time, and the simulated threads that live in it.
//
// A thread runs until it says that time passes (Advance) or waits. What it does between is one
// instant to all others. Events happen in order of time, and those of one time in the order in
// which they were scheduled, so that the execution depends on nothing but what the callers do.
//
// There is one processor per thread, unless Processors says that nodes share some.
#ifndef FARPAGE_TRANSPORT_SIM_SCHEDULER_H_
#define FARPAGE_TRANSPORT_SIM_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/sim/fiber.h"

namespace farpage::transport::sim {

// Gets what was scheduled. Runs on the scheduler's own stack: must not wait.
class EventHandler {
 public:
  virtual void OnEvent(uint64_t tag) = 0;

 protected:
  ~EventHandler() = default;
};

// What runs the threads, and how long it takes to change over.
struct Processors {
  uint32_t count = 0;     // shared by all groups: group g runs on g mod count. 0: one per thread
  int64_t switch_ns = 0;  // a processor goes from one thread to another
  int64_t call_ns = 0;    // what waking another thread takes of who does it
  int64_t wake_ns = 500;  // from that call until the other runs, if its processor is idle
  int64_t slice_ns = 4'000'000;  // who has run for so long gives way to those that can run
};

// One thread of the operating system uses it.
class Scheduler {
 public:
  // `groups`: nodes; a simulated thread belongs to one of them.
  explicit Scheduler(uint32_t groups);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The one whose Run() the calling thread is in; else null.
  static Scheduler* Current();

  int64_t now_ns() const { return now_ns_; }
  uint64_t events() const { return events_; }

  // Before the first thread is started.
  void set_processors(const Processors& processors);
  const Processors& processors() const { return settings_; }

  // Starts a thread of `group`. Run() goes on at least until all threads have ended that are not
  // `background` and whose group is alive.
  void Start(uint32_t group, bool background, std::function<void()> body);

  // handler->OnEvent(tag) at `when_ns`, not earlier than now.
  void Schedule(int64_t when_ns, EventHandler* handler, uint64_t tag);

  enum class End : uint8_t {
    kFinished,  // no thread is left that Run() waits for
    kHalted,    // Halt()
    kTime,      // `until_ns` came first
    kEvents,    // `most_events` came first
  };
  // May be called again, also after a timeout.
  End Run(int64_t until_ns, uint64_t most_events);

  // Ends Run() now. The thread that calls it does not go on until Run() is called again.
  void Halt();

  // --- By the thread that runs -------------------------------------------------------------------

  // True in a simulated thread, false on the stack of Run()'s caller.
  bool InThread() const { return running_ != nullptr; }
  // Time passes; others may run meanwhile. Outside a simulated thread it does nothing.
  void Advance(int64_t ns);
  // Waits until somebody calls WakeAll(key), at most until the deadline: false then. May only be
  // called by a simulated thread.
  bool Wait(const void* key, int64_t deadline_ns);
  // Lets those run that wait for this thread's processor.
  void GiveWay();
  // The group of the running thread.
  uint32_t group() const { return running_->group; }

  // --- By anybody
  // ----------------------------------------------------------------------------------

  // Ends all Wait(key); they go on `delay_ns` later, or when their processor is free. It is only an
  // idle processor that takes the delay to begin.
  void WakeAll(const void* key, int64_t delay_ns);
  // The group's threads never run again; if the caller is one of them, this does not return.
  // `killed` (set_on_kill) is told first.
  void Kill(uint32_t group);
  bool alive(uint32_t group) const { return groups_[group].alive; }
  // The group's threads do nothing until then.
  void Suspend(uint32_t group, int64_t until_ns);
  // All time that the group's threads spend takes so many times as long.
  void Slow(uint32_t group, int64_t factor) { groups_[group].slowness = factor; }
  // Kill(group) when its threads have called Advance() so often. 0: not.
  void KillAfter(uint32_t group, uint64_t advances) { groups_[group].advances_left = advances; }
  void set_on_kill(std::function<void(uint32_t)> on_kill) { on_kill_ = std::move(on_kill); }

  // Called before a thread goes on, with a number that is the thread's own: 0, 1 …
  void set_on_switch(std::function<void(uint32_t thread)> on_switch) {
    on_switch_ = std::move(on_switch);
  }

 private:
  struct Thread {
    std::unique_ptr<FiberStack> stack;
    std::unique_ptr<FiberContext> context;
    std::function<void()> body;
    uint32_t number = 0;
    uint32_t group = 0;
    bool background = false;
    bool woken = false;
    bool queued = false;        // for its processor
    const void* key = nullptr;  // waits for it
    uint64_t turn = 0;          // events of earlier turns no longer count
  };
  struct Group {
    bool alive = true;
    int64_t suspended_until = 0;
    int64_t slowness = 1;
    uint64_t advances_left = 0;
    uint32_t foreground = 0;  // threads that Run() waits for
  };
  struct Processor {
    Thread* owner = nullptr;  // until it waits; idle if none
    int64_t since_ns = 0;     // the owner's
    std::deque<Thread*> ready;
  };
  struct Event {
    int64_t when_ns;
    uint64_t sequence;
    EventHandler* handler;  // null: `thread` goes on
    Thread* thread;
    uint64_t tag;                               // or the thread's turn
    bool operator<(const Event& other) const {  // for a heap with the earliest on top
      return when_ns != other.when_ns ? when_ns > other.when_ns : sequence > other.sequence;
    }
  };

  void Push(Event event);
  void Resume(Thread* thread, int64_t when_ns);
  void Dispatch(const Event& event);
  Processor* ProcessorOf(const Thread& thread);
  bool Acquire(Thread& thread);
  void Enqueue(Thread& thread);
  void Release(Thread& thread);
  void Leave(bool for_good);
  void Finish(Thread& thread);

  int64_t now_ns_ = 0;
  uint64_t sequence_ = 0;
  uint64_t events_ = 0;
  std::vector<Event> heap_;
  std::vector<Group> groups_;
  Processors settings_;
  std::vector<Processor> processors_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::unordered_map<const void*, std::vector<Thread*>> waiting_;
  uint32_t foreground_ = 0;
  bool halted_ = false;
  int64_t until_ns_ = 0;  // of the run
  Thread* running_ = nullptr;
  Thread* ended_ = nullptr;  // its stack goes back once it has been left
  FiberContext main_;
  std::function<void(uint32_t)> on_kill_;
  std::function<void(uint32_t)> on_switch_;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_SCHEDULER_H_
