// A graph in shared memory.
#ifndef FARPAGE_BENCH_APPS_SHARED_GRAPH_H_
#define FARPAGE_BENCH_APPS_SHARED_GRAPH_H_

#include <farpage/farpage.h>

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "bench/apps/page_rank.h"

namespace farpage::apps {

struct SharedGraph {
  std::span<uint32_t> first_dependent;
  std::span<uint32_t> dependents;
  std::span<uint32_t> dependency_count;

  GraphView view() const { return {first_dependent, dependents, dependency_count}; }
};

// Collective: every node learns the sizes and allocates, node 0 alone has a graph and stores it.
// ABORTED if node 0 has none. There is a barrier between storing and the return.
absl::StatusOr<SharedGraph> ShareGraph(Node& node, const std::optional<GraphView>& source,
                                       const AllocateOptions& options);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_SHARED_GRAPH_H_
