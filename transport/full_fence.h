// A fence for memory that other processes access at the same time. Signal-safe.
#ifndef FARPAGE_TRANSPORT_FULL_FENCE_H_
#define FARPAGE_TRANSPORT_FULL_FENCE_H_

#include <atomic>
#include <cstdint>

#include "transport/sanitizers.h"

namespace farpage::transport {

// Orders every access before it against every access after it, for all processors.
inline void FullFence() {
#if defined(FARPAGE_THREAD_SANITIZER)
  // The sanitizer does not know fences, and g++ refuses to compile them with it.
  static std::atomic<uint32_t> order{0};
  order.fetch_add(1, std::memory_order_seq_cst);
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace farpage::transport

#endif  // FARPAGE_TRANSPORT_FULL_FENCE_H_
