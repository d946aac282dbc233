// What the protocol takes to decide.
#include <benchmark/benchmark.h>

#include <array>

#include "directory/protocol.h"

namespace farpage::directory {
namespace {

void Decide(benchmark::State& state, std::span<const Stimulus> stimuli) {
  PageState page;
  NodeSet need;
  for (auto _ : state) {
    for (const Stimulus& stimulus : stimuli) {
      Effects effects;
      if (Step(page, &need, stimulus, effects) == Verdict::kImpossible) {
        state.SkipWithError("these inputs do not follow each other");
        return;
      }
      benchmark::DoNotOptimize(effects);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(stimuli.size()));
}

// A clean read miss, and the page dropped again: three steps.
void ReadMiss(benchmark::State& state) {
  const std::array stimuli = {Stimulus{.input = Input::kRead},
                              Stimulus{.input = Input::kReadResult},
                              Stimulus{.input = Input::kEvict}};
  Decide(state, stimuli);
}
BENCHMARK(ReadMiss)->Name("protocol/read_miss");

// A clean write miss, and the page written home.
void WriteMiss(benchmark::State& state) {
  const NodeSet nobody;
  const std::array stimuli = {
      Stimulus{.input = Input::kWrite}, Stimulus{.input = Input::kWriteResult, .sharers = &nobody},
      Stimulus{.input = Input::kHoldOver}, Stimulus{.input = Input::kEvict}};
  Decide(state, stimuli);
}
BENCHMARK(WriteMiss)->Name("protocol/write_miss");

void Hit(benchmark::State& state) {
  PageState page;
  page.state = State::kShared;
  page.own_bit = true;
  page.mapped = true;
  for (auto _ : state) {
    Effects effects;
    benchmark::DoNotOptimize(Step(page, nullptr, {.input = Input::kRead}, effects));
  }
}
BENCHMARK(Hit)->Name("protocol/hit");

}  // namespace
}  // namespace farpage::directory
