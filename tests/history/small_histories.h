// Histories written down by hand, and a judge that tries every order.
#ifndef FARPAGE_TESTS_HISTORY_SMALL_HISTORIES_H_
#define FARPAGE_TESTS_HISTORY_SMALL_HISTORIES_H_

#include <cstdint>
#include <random>
#include <vector>

#include "tests/history/history.h"
#include "tests/litmus/models.h"

namespace farpage::history {

Operation Read(uint32_t location, uint64_t value, int64_t invoked, int64_t responded);
Operation Write(uint32_t location, uint64_t value, int64_t invoked, int64_t responded);
Operation Exchange(uint32_t location, uint64_t replaced, uint64_t value, int64_t invoked,
                   int64_t responded);

// An execution of a litmus test in which all threads ran at the same time.
History OfOutcome(const litmus::Program& program, const litmus::Values& outcome);

struct RandomLimits {
  uint32_t threads = 3;
  uint32_t locations = 2;
  uint32_t operations = 3;  // of each thread, at most
  bool exchanges = true;
};
// Operations at random times; reads return anything that is ever written. Well formed.
History RandomHistory(const RandomLimits& limits, std::minstd_rand& random);

// Whether some order of all operations keeps program order (and real time) and explains what was
// read. Exponential.
bool HasSequentialOrder(const History& history, bool real_time);

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_SMALL_HISTORIES_H_
