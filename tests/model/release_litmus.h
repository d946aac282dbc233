// The shapes S1 to S8: what synchronisation owes a load, and what it does not.
#ifndef FARPAGE_TESTS_MODEL_RELEASE_LITMUS_H_
#define FARPAGE_TESTS_MODEL_RELEASE_LITMUS_H_

namespace farpage::release_model {

// Explores each shape in several placements and prints what loads saw. Returns the exit status: 0
// if nothing that must be seen was missed, and all that may be missed was.
int RunLitmus();

}  // namespace farpage::release_model

#endif  // FARPAGE_TESTS_MODEL_RELEASE_LITMUS_H_
