// What this node knows of one page of a region: 16 bytes, lazily touched.
#ifndef FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_
#define FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_

#include <cstdint>

#include "directory/protocol.h"
#include "runtime/engine/record_lock.h"

namespace farpage::internal {

inline constexpr uint16_t kNoSlot = 0xFFFF;

// All zero is a page that is not here. The lock guards everything else.
struct PageRecord : RecordLock {
  uint32_t installed_at = 0;  // Engine's coarse clock, for the minimum hold; if lost, the dead node
  directory::PageState state;
  uint16_t slot_plus_one = 0;  // the transaction's resources; 0: none
  // 14 bits of pins; whether the cache's queue holds the page; whether the last miss found that the
  // page has died with a node, which stays so
  uint16_t pins : 14 = 0;
  uint16_t queued : 1 = 0;
  uint16_t lost : 1 = 0;
};
static_assert(sizeof(directory::PageState) == 4);
static_assert(sizeof(PageRecord) == 16);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_
