// What nodes have started and left behind becomes ours, so that it can be ended and forgotten.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_ORPHANS_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_ORPHANS_H_

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace farpage::bootstrap {

// While it exists, processes whose parent has ended become children of this process instead of
// init's (which in a container may never take zombies off the kernel's hands).
class OrphanAdoption {
 public:
  explicit OrphanAdoption(bool adopt);
  ~OrphanAdoption();
  OrphanAdoption(const OrphanAdoption&) = delete;
  OrphanAdoption& operator=(const OrphanAdoption&) = delete;

  // Kills all children but `spared` and those that were there before, and what they leave behind in
  // turn, until there are none or `bound` has passed: processes that have left their node's group.
  void EndAll(pid_t spared, std::chrono::milliseconds bound) const;

 private:
  bool adopt_;
  int adopted_before_ = 0;
  std::vector<pid_t> there_before_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_ORPHANS_H_
