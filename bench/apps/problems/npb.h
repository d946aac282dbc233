// What the NAS Parallel Benchmarks (Bailey et al., RNR-94-007, and the classes of NPB 3) share.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_NPB_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_NPB_H_

#include <cstdint>

namespace farpage::apps {

// The generator of the specification, section 2.3: x ← 5¹³ · x mod 2⁴⁶, as a number between 0
// and 1.
class NpbRandom {
 public:
  static constexpr uint64_t kSeed = 314159265;

  // As if `skipped` numbers had been taken already.
  explicit NpbRandom(uint64_t skipped = 0) {
    uint64_t power = kMultiplier;
    for (uint64_t left = skipped; left != 0; left >>= 1) {
      if ((left & 1) != 0) state_ = state_ * power & kMask;
      power = power * power & kMask;
    }
  }

  double Next() {
    state_ = state_ * kMultiplier & kMask;
    return static_cast<double>(state_) * 0x1p-46;
  }

 private:
  static constexpr uint64_t kMultiplier = 1220703125;  // 5¹³
  static constexpr uint64_t kMask = (uint64_t{1} << 46) - 1;

  uint64_t state_ = kSeed;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_NPB_H_
