// HPC Challenge RandomAccess (www.hpcchallenge.org): the stream of random numbers and the updates.
//
// A table of 2ⁿ words begins with T[i] = i. Four times as many updates as it has words follow: each
// takes the next number r of the stream and does T[r mod 2ⁿ] ^= r. A process may look at no more
// than 1024 numbers before it has done what they say. Up to 1 % of the words may be wrong at the
// end; where updates are synchronised none is.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_ACCESS_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_ACCESS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace farpage::apps {

inline constexpr size_t kLookAhead = 1024;
inline constexpr uint64_t kUpdatesPerWord = 4;

// Numbers are polynomials over GF(2): number n is xⁿ modulo x⁶⁴ + x² + x + 1.
class UpdateStream {
 public:
  // At number `position`: Next() returns the one behind it. O(log position).
  explicit UpdateStream(uint64_t position = 0);

  uint64_t Next() {
    constexpr uint64_t kPolynomial = 7;
    const bool carry = (value_ >> 63) != 0;
    value_ = (value_ << 1) ^ (carry ? kPolynomial : 0);
    return value_;
  }

 private:
  uint64_t value_;
};

// Applies updates to a piece of the table that begins with word `begin`; all must fall into it.
// `mask` is the whole table's size minus 1.
inline void ApplyUpdates(std::span<const uint64_t> updates, std::span<uint64_t> piece,
                         uint64_t begin, uint64_t mask) {
  for (const uint64_t update : updates) piece[(update & mask) - begin] ^= update;
}

// All updates, by one thread. The table's size is a power of two.
void UpdateAll(std::span<uint64_t> table);

// How many words differ.
uint64_t CountErrors(std::span<const uint64_t> table, std::span<const uint64_t> expected);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_RANDOM_ACCESS_H_
