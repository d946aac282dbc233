// Numbers that look random, each computed from its index alone: every node can make its own part.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_H_

#include <cstdint>

namespace farpage::apps {

// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) at the index's state.
constexpr uint64_t RandomBits(uint64_t seed, uint64_t index) {
  uint64_t bits = seed + (index + 1) * 0x9E3779B97F4A7C15;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return bits ^ (bits >> 31);
}

// From −1 to 1, without 1.
constexpr double RandomValue(uint64_t seed, uint64_t index) {
  return static_cast<double>(RandomBits(seed, index) >> 11) * 0x1p-52 - 1;
}

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_H_
