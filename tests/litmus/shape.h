// Litmus tests as data: small programs, the outcome that tells models apart, and which model allows
// it.
#ifndef FARPAGE_TESTS_LITMUS_SHAPE_H_
#define FARPAGE_TESTS_LITMUS_SHAPE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/litmus/models.h"

namespace farpage::litmus {

struct Shape {
  const char* name;
  const char* text;  // program and outcome, in the usual shorthand
  Program program;
  Values outcome;        // what the reads return, thread by thread
  const char* verdicts;  // by Model: 'F' must never be seen, 'a' may be
};

// All of them. Names are unique and have letters, digits, '+' and '-' only.
std::span<const Shape> Shapes();
// Null if there is none of that name.
const Shape* FindShape(const std::string& name);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SHAPE_H_
