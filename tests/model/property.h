// What must hold in every state that can be reached.
#ifndef FARPAGE_TESTS_MODEL_PROPERTY_H_
#define FARPAGE_TESTS_MODEL_PROPERTY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tests/model/variant.h"
#include "tests/model/world.h"

namespace farpage::model {

enum class Property : uint8_t {
  kSingleWriter,  // a writable mapping is the only mapping
  kLastWrite,     // every mapping shows the last write
  kOwnBit,        // a sharer bit is changed by its node only, and never twice the same way
  kHolderWord,    // the holder word is changed by the holder, or from none; writers are in it
  kHomeCurrent,   // while there is no holder, the home has the last write
  kPossible,      // no step that the table calls impossible, no stray ACK
  kPager,         // no page-table change that does not fit the mapping
  kBounds,        // queues, mailboxes and lists of deferred requests do not overflow
  kJustFailures,  // accesses fail only because of a node that has stopped
  kProgress,      // there is always something that can happen, unless all is done
  kCompletion,    // every request can complete without any new request
};
const char* Name(Property property);

struct Finding {
  Property property;
  std::string what;
};

// Checks what can be seen of one state (all but the properties of steps and of the whole graph).
std::optional<Finding> CheckState(const World& world, const Variant& variant);

// Nothing is under way and nobody waits, among the nodes that have not stopped.
bool AtRest(const World& world, const Variant& variant);

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_PROPERTY_H_
