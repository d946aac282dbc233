// Messages of the protocol to bytes and back.
#include <benchmark/benchmark.h>

#include "runtime/engine/wire.h"

namespace farpage::internal {
namespace {

const PageMessage kFetch = {.kind = directory::Input::kFetchShared, .page = {12345}, .landing = {}};

void EncodeFetch(benchmark::State& state) {
  for (auto _ : state) {
    PageMessage message = kFetch;
    benchmark::DoNotOptimize(message);
    benchmark::DoNotOptimize(Encode(message));
  }
}
BENCHMARK(EncodeFetch)->Name("wire/encode");

void DecodeFetch(benchmark::State& state) {
  transport::Message bytes = Encode(kFetch);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(Decode(bytes));
  }
}
BENCHMARK(DecodeFetch)->Name("wire/decode");

}  // namespace
}  // namespace farpage::internal
