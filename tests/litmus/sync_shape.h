// Litmus tests of what synchronisation owes a load: one node stores, another loads later, and what
// lies between decides whether the load must return what was stored.
#ifndef FARPAGE_TESTS_LITMUS_SYNC_SHAPE_H_
#define FARPAGE_TESTS_LITMUS_SYNC_SHAPE_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace farpage::litmus {

enum class SyncKind : uint8_t { kStore, kLoad, kLock, kUnlock, kBarrier };

// A step waits until thread `after` has made `steps` steps: an order in time, which the memory
// knows nothing of.
struct SyncStep {
  SyncKind kind;
  uint8_t lock = 0;
  uint8_t after = 0;
  uint8_t steps = 0;
};

inline constexpr uint32_t kMostSyncThreads = 3;
inline constexpr uint32_t kSyncLocks = 2;

struct SyncShape {
  const char* name;
  const char* text;
  bool may_miss;  // with release consistency; else the load must return what was stored
  bool released;  // what was stored, before the load
  std::array<std::vector<SyncStep>, kMostSyncThreads> threads;

  uint32_t nodes() const { return threads[2].empty() ? 2 : 3; }
  uint32_t reader() const { return nodes() - 1; }
  uint32_t barriers() const;  // of each thread
  // What was released is in the home's frame, where the home itself reads it.
  bool MayMissAt(uint32_t home) const { return may_miss && !(released && home == reader()); }
};

// All of them; names are unique.
std::span<const SyncShape> SyncShapes();
// Null if there is none of that name.
const SyncShape* FindSyncShape(const std::string& name);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SYNC_SHAPE_H_
