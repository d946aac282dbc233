#include "bench/apps/frame/process_usage.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace farpage::apps {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    uint64_t kibibytes = 0;
    if (word == "Pss:" && file >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

}  // namespace farpage::apps
