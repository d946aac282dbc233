// The systematic counterpart of mutation.h: drops each effect of each cell of the table in turn.
#ifndef FARPAGE_TESTS_MODEL_EVERY_EFFECT_H_
#define FARPAGE_TESTS_MODEL_EVERY_EFFECT_H_

namespace farpage::model {

// Prints what became of each. Returns the exit status: 0 if nothing came of those, and only those,
// that are known to be harmless. Takes about a minute.
int RunEveryEffect();

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_EVERY_EFFECT_H_
