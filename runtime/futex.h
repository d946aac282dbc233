// How threads of this process sleep, wake each other and give way. Signal-safe.
#ifndef FARPAGE_RUNTIME_FUTEX_H_
#define FARPAGE_RUNTIME_FUTEX_H_

#include <atomic>
#include <cstdint>

namespace farpage::internal {

// Sleeps while *word == value, at most until `deadline_ns` (CLOCK_MONOTONIC). May return early.
void FutexWait(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns);

// Wakes all that sleep on `word`.
void FutexWakeAll(const std::atomic<uint32_t>* word);

// Offers the processor to other threads.
void YieldThread();

// What the functions above do. The kernel's, unless a simulation has threads of its own.
struct ThreadOperations {
  void (*wait)(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns);
  void (*wake_all)(const std::atomic<uint32_t>* word);
  void (*yield)();
};

// For the whole process. Returns what was there. Not while any thread is in the functions above.
ThreadOperations ReplaceThreadOperations(const ThreadOperations& operations);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_FUTEX_H_
