#include "bench/apps/frame/die.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"

namespace farpage::apps {

void Die(const Node& node, std::string_view what, const absl::Status& status) {
  absl::FPrintF(stderr, "%s: node %d: %s: %s\n", program_invocation_short_name, node.id(), what,
                status.ToString());
  std::fflush(nullptr);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace farpage::apps
