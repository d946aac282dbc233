// The order in which pages are touched.
#ifndef FARPAGE_RUNTIME_CLI_PERF_PAGE_ORDER_H_
#define FARPAGE_RUNTIME_CLI_PERF_PAGE_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace farpage::cli::perf {

// 0 … count − 1, shuffled, the same in every run and on every node: no prefetcher, ours or the
// processor's, finds a stream in it.
inline std::vector<uint64_t> RandomOrder(uint64_t count) {
  constexpr uint64_t kSeed = 20'240'229;
  std::vector<uint64_t> order(count);
  std::iota(order.begin(), order.end(), uint64_t{0});
  std::mt19937_64 random(kSeed);
  std::shuffle(order.begin(), order.end(), random);
  return order;
}

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_PAGE_ORDER_H_
