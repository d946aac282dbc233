// What it costs to look whether a fault belongs to a stream.
#include <benchmark/benchmark.h>

#include "runtime/engine/stream_detector.h"

namespace farpage::internal {
namespace {

// range(0) pages between one fault and the next: 1 is a stream, more is not.
void Note(benchmark::State& state) {
  const auto stride = static_cast<uint64_t>(state.range(0));
  StreamDetector detector;
  uint64_t page = 0;
  for (auto _ : state) {
    StreamDetector::Stream& stream = detector.Note(PageId{page}, Access::kRead);
    stream.next = page + 1;
    benchmark::DoNotOptimize(stream.window);
    page += stride;
  }
}
BENCHMARK(Note)->Name("stream_detector/note")->ArgName("stride")->Arg(1)->Arg(17);

}  // namespace
}  // namespace farpage::internal
