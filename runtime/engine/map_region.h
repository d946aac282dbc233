// Where the pages of a region live, and what every node sets up for a region.
#ifndef FARPAGE_RUNTIME_ENGINE_MAP_REGION_H_
#define FARPAGE_RUNTIME_ENGINE_MAP_REGION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "directory/home_map.h"
#include "farpage/node.h"
#include "runtime/cluster.h"
#include "runtime/engine/region.h"
#include "runtime/memory/pager.h"

namespace farpage::internal {

// Deals `pages` pages to `nodes` nodes as the options say. INVALID_ARGUMENT if they say what cannot
// be.
absl::StatusOr<directory::HomeMap> MapHomes(uint64_t pages, uint32_t nodes,
                                            const AllocateOptions& options);

// Collective. Completes a region of which the name, the place and the homes are set: frames,
// directory entries, page records, and the pager's part. RESOURCE_EXHAUSTED names the limit.
absl::Status MapRegion(Cluster& cluster, Pager& pager, Region& region);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_MAP_REGION_H_
