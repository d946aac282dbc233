// The kernel's futex, for words private to this process. Signal-safe.
#ifndef FARPAGE_RUNTIME_FUTEX_H_
#define FARPAGE_RUNTIME_FUTEX_H_

#include <atomic>
#include <cstdint>

namespace farpage::internal {

// Sleeps while *word == value, at most until `deadline_ns` (CLOCK_MONOTONIC). May return early.
void FutexWait(const std::atomic<uint32_t>* word, uint32_t value, int64_t deadline_ns);

// Wakes all that sleep on `word`.
void FutexWakeAll(const std::atomic<uint32_t>* word);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_FUTEX_H_
