// Random numbers that are a function of a counter: whoever draws number n of a stream gets the
// same, so that nodes can divide what is drawn and still agree with a program that draws it alone.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_COUNTER_RANDOM_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_COUNTER_RANDOM_H_

#include <cstdint>
#include <limits>

namespace farpage::apps {

// SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014):
// a counter, mixed. A uniform random bit generator for the standard library too.
class CounterRandom {
 public:
  using result_type = uint64_t;

  // Stream number `stream` of all those with this seed.
  constexpr explicit CounterRandom(uint64_t seed, uint64_t stream = 0)
      : state_(Mix(seed + kStep) ^ Mix(stream * kStep + 1)) {}

  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }
  constexpr uint64_t operator()() { return Mix(state_ += kStep); }

  // Uniform in [0, 1), a multiple of 2⁻⁵³.
  constexpr double Fraction() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  // A bijection of 64-bit words that leaves no pattern.
  static constexpr uint64_t Mix(uint64_t word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;  // 2⁶⁴ divided by the golden ratio, odd

  uint64_t state_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_COUNTER_RANDOM_H_
