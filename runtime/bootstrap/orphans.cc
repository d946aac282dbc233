#include "runtime/bootstrap/orphans.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>

namespace farpage::bootstrap {
namespace {

// Of this thread: the one that started the nodes, and the main thread of a program that has but
// one.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  std::ifstream file("/proc/thread-self/children");
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

}  // namespace

OrphanAdoption::OrphanAdoption(bool adopt) : adopt_(adopt) {
  if (!adopt_) return;
  there_before_ = Children();
  prctl(PR_GET_CHILD_SUBREAPER, &adopted_before_);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

OrphanAdoption::~OrphanAdoption() {
  if (adopt_) prctl(PR_SET_CHILD_SUBREAPER, adopted_before_);
}

void OrphanAdoption::EndAll(pid_t spared, std::chrono::milliseconds bound) const {
  if (!adopt_) return;
  const auto until = std::chrono::steady_clock::now() + bound;
  while (std::chrono::steady_clock::now() < until) {
    bool any = false;
    for (pid_t child : Children()) {
      const bool before =
          std::find(there_before_.begin(), there_before_.end(), child) != there_before_.end();
      if (before || child == spared) continue;
      any = true;
      kill(child, SIGKILL);
      waitpid(child, nullptr, WNOHANG);
    }
    if (!any) return;
    poll(nullptr, 0, 1);
  }
}

}  // namespace farpage::bootstrap
