// What `farpage doctor` looks at. Each check tries the thing itself where it can, and reads the
// kernel's settings where it cannot.
#ifndef FARPAGE_RUNTIME_CLI_DOCTOR_CHECKS_H_
#define FARPAGE_RUNTIME_CLI_DOCTOR_CHECKS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace farpage::cli {

struct Finding {
  enum class Kind : uint8_t {
    kOk,
    kNote,     // something is missing that not everybody needs
    kProblem,  // Farpage will not run, or far worse than it could
  };
  Kind kind = Kind::kOk;
  std::string subject;
  std::string text;
  std::string fix;  // empty if there is nothing to do
};

Finding CheckUserfaultfd();
Finding CheckMapCount(bool pager_needs_it);
Finding CheckMemfd();
Finding CheckAddressSpace();
Finding CheckOpenFiles();
Finding CheckProcessors();
// One finding per port of each device, or one that there is none. `directory` is
// /sys/class/infiniband.
std::vector<Finding> CheckRdmaDevices(const std::string& directory);
Finding CheckLockedMemory(bool have_device);

// All of them for this machine, in the order to read them in.
std::vector<Finding> CheckMachine();

}  // namespace farpage::cli

#endif  // FARPAGE_RUNTIME_CLI_DOCTOR_CHECKS_H_
