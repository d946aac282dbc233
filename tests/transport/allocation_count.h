// Counts what this program allocates with operator new.
#ifndef FARPAGE_TESTS_TRANSPORT_ALLOCATION_COUNT_H_
#define FARPAGE_TESTS_TRANSPORT_ALLOCATION_COUNT_H_

#include <cstdint>

namespace farpage {

// Allocations by the calling thread so far.
uint64_t AllocationCount();

}  // namespace farpage

#endif  // FARPAGE_TESTS_TRANSPORT_ALLOCATION_COUNT_H_
