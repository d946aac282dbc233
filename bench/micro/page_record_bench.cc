// The lock of a page.
#include <benchmark/benchmark.h>

#include "runtime/engine/page_record.h"

namespace farpage::internal {
namespace {

PageRecord shared_record;

void Lock(benchmark::State& state) {
  for (auto _ : state) {
    shared_record.Lock();
    benchmark::DoNotOptimize(shared_record.Unlock());
  }
}
BENCHMARK(Lock)->Name("page_record/lock")->Threads(1)->Threads(2);

// With a change that others would be woken for, if there were any.
void LockAndChange(benchmark::State& state) {
  for (auto _ : state) {
    shared_record.Lock();
    benchmark::DoNotOptimize(shared_record.UnlockChanged());
  }
}
BENCHMARK(LockAndChange)->Name("page_record/lock_and_change")->Threads(1)->Threads(2);

}  // namespace
}  // namespace farpage::internal
