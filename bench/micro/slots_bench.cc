// Taking and giving back what a miss needs.
#include <benchmark/benchmark.h>

#include "bench/micro/shm_nodes.h"
#include "runtime/engine/slots.h"

namespace farpage::internal {
namespace {

void AcquireAndRelease(benchmark::State& state) {
  bench::ShmNodes nodes(1);
  if (!nodes.ok(state)) return;
  absl::StatusOr<std::unique_ptr<SlotPool>> pool = SlotPool::Create(nodes.node(0), nullptr);
  if (!pool.ok()) {
    state.SkipWithError("no slots");
    return;
  }
  for (auto _ : state) {
    Slot* slot = (*pool)->AcquireMiss();
    benchmark::DoNotOptimize(slot);
    (*pool)->Release(slot);
  }
}
BENCHMARK(AcquireAndRelease)->Name("slots/acquire_and_release");

}  // namespace
}  // namespace farpage::internal
