// The end of a program that cannot go on.
#ifndef FARPAGE_BENCH_APPS_FRAME_DIE_H_
#define FARPAGE_BENCH_APPS_FRAME_DIE_H_

#include <farpage/node.h>

#include <string_view>

#include "absl/status/status.h"

namespace farpage::apps {

// Says what failed on this node and ends the process with exit status 1, at once: other threads and
// nodes may wait for this one, and hear of its end by its end. Any thread.
[[noreturn]] void Die(const Node& node, std::string_view what, const absl::Status& status);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_DIE_H_
