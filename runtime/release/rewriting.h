// Which pages stay writable when they are released.
//
// A page that is written between any two releases costs a fault each time, and, if others write it
// too, another fetch. Left writable it costs a comparison with its twin. But a page that is left
// writable and not written costs that for nothing, so it has to earn it, and loses it soon: the
// bargain of Karlin, Manasse, Rudolph and Sleator, Competitive Snoopy Caching, 1988. Never decides
// what is right, only what is fast: release_protocol.h has a page stay or go at any time.
#ifndef FARPAGE_RUNTIME_RELEASE_REWRITING_H_
#define FARPAGE_RUNTIME_RELEASE_REWRITING_H_

#include <algorithm>
#include <cstdint>

namespace farpage::internal {

// Of one page. All zero is a page that was never written. `release` counts the releases of the node
// that had a page to look at, modulo 256: a page that is older than it looks stays once for
// nothing.
class Rewriting {
 public:
  // A copy, whose changes its twin shows. A comparison costs a fiftieth of a fault and a fetch.
  bool copy_stays() const { return streak_ >= kStreak; }
  bool CopyStays(uint8_t release) const { return copy_stays() && Since(release) <= kCopyPause; }
  // After it was compared.
  void NoteCopy(uint8_t release, bool changed) {
    if (changed) {
      Note(release, kCopyPause);
    } else if (Since(release) > kCopyPause) {
      streak_ = 0;
    }
  }

  // A page at its home has no twin, and every release that finds it writable has to name it, which
  // costs readers who have read it since it was written a fetch. So it has to be written before at
  // least every other release (as of two pages that take turns), and now and then it is protected,
  // to see whether it still is: after twice as many releases each time that it is. Asked once for
  // each release that finds it writable.
  bool HomeStays(uint8_t release) {
    if (left_ == 0) {  // there was a fault: it has been written
      Note(release, kHomePause);
      const uint32_t releases = streak_ < kStreak ? 1u : 1u << std::min(streak_ - 1, 4);
      left_ = releases & 31u;
    }
    last_ = release;
    return --left_ != 0;
  }

 private:
  static constexpr uint8_t kStreak = 2;
  static constexpr uint32_t kMostStreak = 7;
  static constexpr uint8_t kCopyPause = 8;  // releases
  static constexpr uint8_t kHomePause = 2;

  uint8_t Since(uint8_t release) const { return static_cast<uint8_t>(release - last_); }
  void Note(uint8_t release, uint8_t pause) {
    const uint32_t before = Since(release) <= pause ? streak_ : 0;
    streak_ = std::min(before + 1, kMostStreak) & 7u;
    last_ = release;
  }

  uint8_t last_ = 0;        // release that found it written
  uint8_t streak_ : 3 = 0;  // times in a row that it was found written, with no long pause
  uint8_t left_ : 5 = 0;    // a home's page: releases until it is protected
};
static_assert(sizeof(Rewriting) == 2);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_REWRITING_H_
