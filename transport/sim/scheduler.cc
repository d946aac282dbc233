#include "transport/sim/scheduler.h"

#include <algorithm>
#include <utility>

namespace farpage::transport::sim {
namespace {

constinit thread_local Scheduler* current = nullptr;

}  // namespace

Scheduler* Scheduler::Current() { return current; }

Scheduler::Scheduler(uint32_t groups) : groups_(groups) {}

Scheduler::~Scheduler() = default;

void Scheduler::Push(Event event) {
  event.sequence = sequence_++;
  heap_.push_back(event);
  std::push_heap(heap_.begin(), heap_.end());
}

void Scheduler::Schedule(int64_t when_ns, EventHandler* handler, uint64_t tag) {
  Push({std::max(when_ns, now_ns_), 0, handler, nullptr, tag});
}

void Scheduler::Resume(Thread* thread, int64_t when_ns) {
  Push({std::max(when_ns, now_ns_), 0, nullptr, thread, thread->turn});
}

void Scheduler::Start(uint32_t group, bool background, std::function<void()> body) {
  threads_.push_back(std::make_unique<Thread>());
  Thread& thread = *threads_.back();
  thread.number = static_cast<uint32_t>(threads_.size() - 1);
  thread.group = group;
  thread.background = background;
  thread.body = std::move(body);
  thread.stack = std::make_unique<FiberStack>();
  thread.context = std::make_unique<FiberContext>(*thread.stack, [this, &thread] {
    thread.body();
    Finish(thread);
    Leave(/*for_good=*/true);
  });
  if (!background) {
    ++groups_[group].foreground;
    ++foreground_;
  }
  Resume(&thread, now_ns_);
}

void Scheduler::set_processors(const Processors& processors) {
  settings_ = processors;
  processors_.resize(processors.count);
}

Scheduler::Processor* Scheduler::ProcessorOf(const Thread& thread) {
  return processors_.empty() ? nullptr : &processors_[thread.group % processors_.size()];
}

// Whether the thread may run. Else it does so when its processor is free.
bool Scheduler::Acquire(Thread& thread) {
  Processor* const processor = ProcessorOf(thread);
  if (processor == nullptr || processor->owner == &thread) return true;
  if (processor->owner != nullptr) {
    Enqueue(thread);
    return false;
  }
  processor->owner = &thread;
  processor->since_ns = now_ns_;
  return true;
}

void Scheduler::Enqueue(Thread& thread) {
  thread.queued = true;
  ProcessorOf(thread)->ready.push_back(&thread);
}

// The thread's processor goes to the next one, if the thread has it.
void Scheduler::Release(Thread& thread) {
  Processor* const processor = ProcessorOf(thread);
  if (processor == nullptr || processor->owner != &thread) return;
  processor->owner = nullptr;
  while (processor->owner == nullptr && !processor->ready.empty()) {
    Thread* const next = processor->ready.front();
    processor->ready.pop_front();
    next->queued = false;
    if (!groups_[next->group].alive) continue;
    processor->owner = next;
    processor->since_ns = now_ns_ + settings_.switch_ns;
    ++next->turn;
    Resume(next, processor->since_ns);
  }
}

void Scheduler::GiveWay() {
  if (running_ == nullptr) return;
  Thread& self = *running_;
  const Processor* const processor = ProcessorOf(self);
  if (processor == nullptr || processor->ready.empty()) return;
  Enqueue(self);
  Release(self);
  Leave(/*for_good=*/false);
}

void Scheduler::Finish(Thread& thread) {
  ++thread.turn;
  Release(thread);
  ended_ = &thread;
  if (thread.background) return;
  --groups_[thread.group].foreground;
  --foreground_;
}

void Scheduler::Leave(bool for_good) {
  Thread* self = std::exchange(running_, nullptr);
  self->context->SwitchTo(main_, for_good);
}

void Scheduler::Advance(int64_t ns) {
  if (running_ == nullptr) return;
  Group& group = groups_[running_->group];
  if (group.advances_left != 0 && --group.advances_left == 0) Kill(running_->group);
  const Processor* const processor = ProcessorOf(*running_);
  if (processor != nullptr && now_ns_ - processor->since_ns >= settings_.slice_ns) GiveWay();
  const int64_t then = now_ns_ + ns * group.slowness;
  // Who is alone goes on without the scheduler, but not past the end of the run.
  if (!halted_ && then <= until_ns_ && (heap_.empty() || heap_.front().when_ns > then)) {
    now_ns_ = then;
    return;
  }
  Resume(running_, then);
  Leave(/*for_good=*/false);
}

bool Scheduler::Wait(const void* key, int64_t deadline_ns) {
  Thread& self = *running_;
  self.key = key;
  self.woken = false;
  ++self.turn;
  waiting_[key].push_back(&self);
  Resume(&self, deadline_ns);
  Release(self);
  Leave(/*for_good=*/false);
  if (self.key != nullptr) {  // the deadline came
    std::vector<Thread*>& others = waiting_[key];
    others.erase(std::find(others.begin(), others.end(), &self));
    if (others.empty()) waiting_.erase(key);
    self.key = nullptr;
  }
  return self.woken;
}

void Scheduler::WakeAll(const void* key, int64_t delay_ns) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  const std::vector<Thread*> woken = std::move(found->second);
  waiting_.erase(found);
  for (Thread* thread : woken) {
    thread->key = nullptr;
    thread->woken = true;
    // Its deadline came before: it waits for its processor, or has it and is about to go on.
    const Processor* const processor = ProcessorOf(*thread);
    if (thread->queued || (processor != nullptr && processor->owner == thread)) continue;
    ++thread->turn;
    if (processor != nullptr && processor->owner != nullptr) {
      Enqueue(*thread);
    } else {
      Resume(thread, now_ns_ + delay_ns);
    }
  }
}

void Scheduler::Kill(uint32_t group) {
  Group& dead = groups_[group];
  if (!dead.alive) return;
  dead.alive = false;
  foreground_ -= std::exchange(dead.foreground, 0);
  if (on_kill_) on_kill_(group);
  for (Processor& processor : processors_) {
    if (processor.owner != nullptr && processor.owner->group == group) Release(*processor.owner);
  }
  if (running_ != nullptr && running_->group == group) Leave(/*for_good=*/true);
}

void Scheduler::Suspend(uint32_t group, int64_t until_ns) {
  groups_[group].suspended_until = std::max(groups_[group].suspended_until, until_ns);
}

void Scheduler::Halt() {
  halted_ = true;
  if (running_ == nullptr) return;
  Resume(running_, now_ns_);
  Leave(/*for_good=*/false);
}

void Scheduler::Dispatch(const Event& event) {
  if (event.handler != nullptr) {
    event.handler->OnEvent(event.tag);
    return;
  }
  Thread& thread = *event.thread;
  if (event.tag != thread.turn || !groups_[thread.group].alive) return;
  if (groups_[thread.group].suspended_until > now_ns_) {
    Resume(&thread, groups_[thread.group].suspended_until);
    return;
  }
  if (!Acquire(thread)) return;
  running_ = &thread;
  if (on_switch_) on_switch_(thread.number);
  main_.SwitchTo(*thread.context);
  if (ended_ != nullptr) {
    ended_->context.reset();
    ended_->stack.reset();
    ended_ = nullptr;
  }
}

Scheduler::End Scheduler::Run(int64_t until_ns, uint64_t most_events) {
  Scheduler* const outer = std::exchange(current, this);
  halted_ = false;
  until_ns_ = until_ns;
  const uint64_t last_event = events_ + most_events;
  End end = End::kFinished;
  while (foreground_ > 0) {
    if (halted_) {
      end = End::kHalted;
      break;
    }
    if (heap_.empty() || heap_.front().when_ns > until_ns) {
      end = End::kTime;
      break;
    }
    if (events_ == last_event) {
      end = End::kEvents;
      break;
    }
    std::pop_heap(heap_.begin(), heap_.end());
    const Event event = heap_.back();
    heap_.pop_back();
    now_ns_ = event.when_ns;
    ++events_;
    Dispatch(event);
  }
  current = outer;
  return end;
}

}  // namespace farpage::transport::sim
