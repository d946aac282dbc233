// What scenarios do with memory of release consistency.
#ifndef FARPAGE_TESTS_RELEASE_RELEASE_MEMORY_H_
#define FARPAGE_TESTS_RELEASE_RELEASE_MEMORY_H_

#include <cstdint>
#include <span>
#include <string>

#include "tests/runtime/scenario.h"

namespace farpage::testing {

inline constexpr size_t kPageWords = 4096 / sizeof(uint64_t);

inline std::span<uint64_t> Released(Node& node, const char* name, size_t pages,
                                    Placement placement = Placement::kBlock) {
  return AllocateOrDie<uint64_t>(node, name, pages * kPageWords,
                                 {.consistency = Consistency::kRelease, .placement = placement});
}

inline Mutex MutexOrDie(Node& node, const std::string& name) {
  absl::StatusOr<Mutex> mutex = node.MakeMutex(name);
  REQUIRE_OK(mutex.status());
  return *mutex;
}

inline uint64_t Load(uint64_t& word) { return *static_cast<volatile uint64_t*>(&word); }
inline void Store(uint64_t& word, uint64_t value) {
  *static_cast<volatile uint64_t*>(&word) = value;
}

// Reads enough other pages for everything else to be evicted. The cache is small.
inline void EvictEverything(std::span<uint64_t> other) {
  for (size_t page = 0; page < other.size() / kPageWords; ++page) {
    static_cast<void>(Load(other[page * kPageWords]));
  }
}

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RELEASE_RELEASE_MEMORY_H_
