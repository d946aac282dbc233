// Events of a simulation: how they are recorded, and how they read.
#ifndef FARPAGE_TESTS_SIMULATION_DESCRIBE_H_
#define FARPAGE_TESTS_SIMULATION_DESCRIBE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/engine/region.h"
#include "tests/simulation/simulated_pager.h"
#include "tests/simulation/step_watch.h"
#include "transport/sim/trace.h"

namespace farpage::simulation {

transport::sim::TraceEvent DescribeStep(int64_t when_ns, NodeId node, const StepTaken& step);
transport::sim::TraceEvent DescribeChange(int64_t when_ns, NodeId node, internal::PageId page,
                                          MappingChange change);

// The last `most` events that are about `page`, and deaths; of all kinds if there is no page. A
// line each.
std::string DescribeEvents(const transport::sim::Trace& trace, std::optional<internal::PageId> page,
                           size_t most);

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_DESCRIBE_H_
