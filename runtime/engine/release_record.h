// What this node knows of one page of a region with release consistency: 20 bytes, lazily touched.
#ifndef FARPAGE_RUNTIME_ENGINE_RELEASE_RECORD_H_
#define FARPAGE_RUNTIME_ENGINE_RELEASE_RECORD_H_

#include <cstdint>

#include "directory/release_protocol.h"
#include "runtime/engine/record_lock.h"
#include "runtime/release/rewriting.h"

namespace farpage::internal {

// All zero is a page that is not here. The lock guards everything else, except that `next` belongs
// to whoever has taken the region's list.
struct ReleaseRecord : RecordLock {
  directory::ReleasePage page;
  uint32_t twin_plus_one = 0;  // 0: none
  uint32_t next_plus_one = 0;  // of the region's pages that were written; 0: the last
  uint16_t pins : 15 = 0;
  uint16_t queued : 1 = 0;  // the cache's queue holds the page
  Rewriting rewriting;
};
static_assert(sizeof(directory::ReleasePage) == 4);
static_assert(sizeof(ReleaseRecord) == 20);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_RELEASE_RECORD_H_
