#include "bench/apps/shared_graph.h"

#include <algorithm>

#include "absl/status/status.h"

namespace farpage::apps {

absl::StatusOr<SharedGraph> ShareGraph(Node& node, const std::optional<GraphView>& source,
                                       const AllocateOptions& options) {
  // Only node 0 knows the sizes, but all have to allocate the same. An atomic array needs no size
  // to be agreed on, and what is stored before a barrier is seen after it.
  absl::StatusOr<AtomicArray<uint64_t>> sizes = node.MakeAtomicArray<uint64_t>("sizes", 2);
  if (!sizes.ok()) return sizes.status();
  if (source.has_value()) {
    sizes->store(0, source->size());
    sizes->store(1, source->dependents.size());
  }
  if (absl::Status met = node.Barrier(); !met.ok()) return met;
  const size_t vertices = sizes->load(0);
  const size_t edges = sizes->load(1);
  if (vertices == 0) return absl::AbortedError("node 0 has no graph");

  const auto first = node.Allocate<uint32_t>("first dependent", vertices + 1, options);
  if (!first.ok()) return first.status();
  const auto dependents =
      node.Allocate<uint32_t>("dependents", std::max<size_t>(edges, 1), options);
  if (!dependents.ok()) return dependents.status();
  const auto counts = node.Allocate<uint32_t>("dependency count", vertices, options);
  if (!counts.ok()) return counts.status();
  if (source.has_value()) {
    std::ranges::copy(source->first_dependent, first->begin());
    std::ranges::copy(source->dependents, dependents->begin());
    std::ranges::copy(source->dependency_count, counts->begin());
  }
  if (absl::Status met = node.Barrier(); !met.ok()) return met;
  return SharedGraph{*first, dependents->first(edges), *counts};
}

}  // namespace farpage::apps
