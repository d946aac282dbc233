// One suite for every back end: what transport.h promises, sentence by sentence.
#include <gtest/gtest.h>

#include "tests/transport/backend.h"
#include "tests/transport/nodes.h"

namespace farpage::transport {

INSTANTIATE_TEST_SUITE_P(Transports, Conformance, testing::ValuesIn(BackendsUnderTest()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace farpage::transport
