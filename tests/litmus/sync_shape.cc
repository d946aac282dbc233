#include "tests/litmus/sync_shape.h"

#include <algorithm>

namespace farpage::litmus {
namespace {

constexpr SyncStep Lock(uint8_t lock, uint8_t after = 0, uint8_t steps = 0) {
  return {SyncKind::kLock, lock, after, steps};
}
constexpr SyncStep Unlock(uint8_t lock) { return {SyncKind::kUnlock, lock}; }
constexpr SyncStep kStore{SyncKind::kStore};
constexpr SyncStep kLoad{SyncKind::kLoad};
constexpr SyncStep kBarrier{SyncKind::kBarrier};

std::vector<SyncShape> MakeShapes() {
  return {
      {"S1",
       "written and read under one lock",
       false,
       true,
       {{{Lock(0), kStore, Unlock(0)}, {Lock(0, 0, 3), kLoad, Unlock(0)}, {}}}},
      {"S2",
       "written before acquiring L, read under L",
       false,
       true,
       {{{kStore, Lock(0), Unlock(0)}, {Lock(0, 0, 3), kLoad, Unlock(0)}, {}}}},
      {"S3",
       "written under L; another node takes L, then M; read under M",
       false,
       true,
       {{{Lock(0), kStore, Unlock(0)},
         {Lock(0, 0, 3), Unlock(0), Lock(1), Unlock(1)},
         {Lock(1, 1, 4), kLoad, Unlock(1)}}}},
      {"S4",
       "written under L and M, read under L only",
       false,
       true,
       {{{Lock(0), Lock(1), kStore, Unlock(1), Unlock(0)}, {Lock(0, 0, 5), kLoad, Unlock(0)}, {}}}},
      {"S5",
       "written before a barrier, read after it",
       false,
       true,
       {{{kStore, kBarrier}, {kBarrier, kLoad}, {}}}},
      {"S6",
       "written, then L acquired; another node acquires M and reads",
       true,
       false,
       {{{kStore, Lock(0), Unlock(0)}, {Lock(1, 0, 2), kLoad, Unlock(1)}, {}}}},
      {"S8",
       "written under L, read under M",
       true,
       true,
       {{{Lock(0), kStore, Unlock(0)}, {Lock(1, 0, 3), kLoad, Unlock(1)}, {}}}},
  };
}

}  // namespace

uint32_t SyncShape::barriers() const {
  return static_cast<uint32_t>(std::ranges::count(threads[0], SyncKind::kBarrier, &SyncStep::kind));
}

std::span<const SyncShape> SyncShapes() {
  static const std::vector<SyncShape>& shapes = *new std::vector<SyncShape>(MakeShapes());
  return shapes;
}

const SyncShape* FindSyncShape(const std::string& name) {
  for (const SyncShape& shape : SyncShapes()) {
    if (name == shape.name) return &shape;
  }
  return nullptr;
}

}  // namespace farpage::litmus
