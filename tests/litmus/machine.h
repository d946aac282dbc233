// What a litmus test runs on, and how its threads run.
#ifndef FARPAGE_TESTS_LITMUS_MACHINE_H_
#define FARPAGE_TESTS_LITMUS_MACHINE_H_

#include <cstdint>
#include <random>
#include <span>

#include "tests/litmus/models.h"

namespace farpage::litmus {

// One thread's way to the memory under test, for one run of one program. Locations are those of the
// program.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual uint64_t Load(uint32_t location) = 0;
  virtual void Store(uint32_t location, uint64_t value) = 0;
  // Computes for so long.
  virtual void Delay(int64_t ns) = 0;
  // Program::in_turn: tells that this thread has ended, and waits until another has. Not through
  // the memory under test.
  virtual void TellEnd() = 0;
  virtual void AwaitEnd(uint32_t thread) = 0;
};

// Runs one thread of a program, with a random delay of at most `longest_delay_ns` before each
// access. What its reads return goes to `values`, in order.
void RunThread(const Program& program, uint32_t thread, Machine& machine, std::minstd_rand& random,
               int64_t longest_delay_ns, std::span<uint64_t> values);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_MACHINE_H_
