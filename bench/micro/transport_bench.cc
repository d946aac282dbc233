// Posting to a peer on shared memory: the operation has executed when Post() returns.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <span>

#include "bench/micro/shm_nodes.h"

namespace farpage::transport {
namespace {

constexpr uint32_t kPage = 4096;

// Two nodes, and memory of both: a page of words, then a page to read.
struct Pair {
  bool Prepare(benchmark::State& state) {
    if (!nodes.ok(state)) return false;
    auto own = nodes.node(0).Allocate(2 * kPage, "bench");
    auto other = nodes.node(1).Allocate(2 * kPage, "bench");
    if (!own.ok() || !other.ok()) {
      state.SkipWithError("no memory");
      return false;
    }
    here = *std::move(own);
    there = *std::move(other);
    std::memset(here->data(), 0, 2 * kPage);
    std::memset(there->data(), 1, 2 * kPage);
    return true;
  }

  Operation Add() const {
    return Operation::FetchAndAdd(there->remote(), 1, reinterpret_cast<uint64_t*>(here->data()),
                                  here->local_key());
  }
  Operation ReadEntry() const {
    return Operation::Read(here->data() + 8, here->local_key(), there->remote(), 16);
  }
  Operation ReadPage() const {
    return Operation::Read(here->data() + kPage, here->local_key(), there->remote() + kPage, kPage);
  }

  void Post(benchmark::State& state, std::span<const Operation> chain) {
    Completion completion;
    for (auto _ : state) {
      if (nodes.node(0).Post(NodeId(1), chain, &completion) != Fate::kOk) {
        state.SkipWithError("the chain did not execute");
        return;
      }
    }
  }

  bench::ShmNodes nodes{2};
  std::unique_ptr<Memory> here;  // given back before the nodes
  std::unique_ptr<Memory> there;
};

void FetchAndAdd(benchmark::State& state) {
  Pair pair;
  if (pair.Prepare(state)) pair.Post(state, std::array{pair.Add()});
}
BENCHMARK(FetchAndAdd)->Name("transport_shm/fetch_and_add");

void ReadPage(benchmark::State& state) {
  Pair pair;
  if (pair.Prepare(state)) pair.Post(state, std::array{pair.ReadPage()});
}
BENCHMARK(ReadPage)->Name("transport_shm/read_page");

void Chain(benchmark::State& state) {
  Pair pair;
  if (!pair.Prepare(state)) return;
  pair.Post(state, std::array{pair.Add(), pair.ReadEntry(), pair.ReadPage()});
}
BENCHMARK(Chain)->Name("transport_shm/chain");

}  // namespace
}  // namespace farpage::transport
