// Random numbers that are the same on every machine and with every standard library.
#ifndef FARPAGE_TRANSPORT_SIM_RANDOM_H_
#define FARPAGE_TRANSPORT_SIM_RANDOM_H_

#include <cstdint>

namespace farpage::transport::sim {

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Not thread-safe.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() {
    state_ += 0x9E37'79B9'7F4A'7C15;
    return Mix(state_);
  }
  // 0 … bound − 1; 0 if there is no bound. Not quite even: by less than bound / 2^64.
  constexpr uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : Next() % bound; }
  // first … last.
  constexpr int64_t Between(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(Below(static_cast<uint64_t>(last - first) + 1));
  }
  // True once in `times`, on average; never if that is 0.
  constexpr bool OneIn(uint64_t times) { return times != 0 && Below(times) == 0; }

  // A generator whose numbers have nothing to do with this one's.
  constexpr Random Fork() { return Random(Mix(Next() ^ 0xD1B5'4A32'D192'ED03)); }

  static constexpr uint64_t Mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58'476D'1CE4'E5B9;
    value = (value ^ (value >> 27)) * 0x94D0'49BB'1331'11EB;
    return value ^ (value >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_RANDOM_H_
