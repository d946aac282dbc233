#include "runtime/cli/doctor_checks.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_format.h"
#include "farpage/options.h"
#include "runtime/bootstrap/option_value.h"
#include "transport/rendezvous.h"

namespace farpage::cli {
namespace {

using bootstrap::FormatByteSize;
using transport::OwnedFd;
using Kind = Finding::Kind;

constexpr char kUserfaultfd[] = "userfaultfd";

std::string FirstLine(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string LimitText(rlim_t limit) {
  return limit == RLIM_INFINITY ? "unlimited" : FormatByteSize(static_cast<int64_t>(limit));
}

std::vector<std::filesystem::path> Sorted(const std::filesystem::path& directory) {
  std::error_code error;
  std::vector<std::filesystem::path> entries;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

Finding CheckPort(const std::string& device, const std::filesystem::path& port) {
  const std::string subject = device + "/" + port.filename().string();
  const std::string state = FirstLine(port / "state");  // "4: ACTIVE"
  const std::string text = absl::StrFormat(
      "RDMA port is %s (%s, %s)", state, FirstLine(port / "link_layer"), FirstLine(port / "rate"));
  if (state.starts_with("4:")) return {Kind::kOk, subject, text, ""};
  return {Kind::kProblem, subject, text,
          "bring its network interface up (ip link set DEVICE up), or plug in the cable"};
}

}  // namespace

Finding CheckUserfaultfd() {
  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY;
  const OwnedFd fd(static_cast<int>(syscall(SYS_userfaultfd, kFlags)));
  if (fd.get() < 0) {
    const char* fix = errno == ENOSYS ? "a kernel built with CONFIG_USERFAULTFD"
                                      : "let the container's seccomp profile allow userfaultfd";
    return {Kind::kProblem, kUserfaultfd,
            absl::StrFormat("refused (%s): the slower mprotect pager will be used",
                            std::strerror(errno)),
            fix};
  }
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0) {
    return {
        Kind::kProblem, kUserfaultfd,
        "lacks SIGBUS mode, minor faults or write protection: the slower mprotect pager will be "
        "used",
        "Linux 5.14 or newer"};
  }
  return {Kind::kOk, kUserfaultfd, "SIGBUS mode works for this user", ""};
}

Finding CheckMapCount(bool pager_needs_it) {
  const std::string text = FirstLine("/proc/sys/vm/max_map_count");
  const int64_t count = bootstrap::ParseWholeNumber(text).value_or(0);
  constexpr int64_t kEnough = 1 << 20;
  if (!pager_needs_it || count >= kEnough) {
    return {Kind::kOk, "memory maps", absl::StrFormat("vm.max_map_count is %s", text), ""};
  }
  return {Kind::kProblem, "memory maps",
          absl::StrFormat("vm.max_map_count is %s: the mprotect pager can keep about %d scattered "
                          "pages",
                          text, count / 2),
          absl::StrFormat("sysctl vm.max_map_count=%d", kEnough)};
}

Finding CheckMemfd() {
  const OwnedFd fd(memfd_create("farpage-doctor", MFD_CLOEXEC));
  if (fd.get() >= 0 && ftruncate(fd.get(), 4096) == 0) {
    return {Kind::kOk, "shared memory", "memfd_create works", ""};
  }
  return {Kind::kProblem, "shared memory",
          absl::StrFormat("memfd_create fails: %s", std::strerror(errno)),
          "a kernel with CONFIG_MEMFD_CREATE, and room in the memory cgroup"};
}

Finding CheckAddressSpace() {
  const uint64_t bytes = ClusterOptions{}.address_space_bytes;
  const std::string size = FormatByteSize(static_cast<int64_t>(bytes));
  void* range = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) {
    return {Kind::kProblem, "addresses",
            absl::StrFormat("%s cannot be reserved: %s", size, std::strerror(errno)),
            "ulimit -v unlimited and sysctl vm.overcommit_memory=0, or a smaller "
            "FARPAGE_ADDRESS_SPACE_BYTES"};
  }
  munmap(range, bytes);
  return {Kind::kOk, "addresses", absl::StrFormat("%s can be reserved", size), ""};
}

Finding CheckOpenFiles() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  constexpr rlim_t kEnough = 1024;
  const std::string text = absl::StrFormat("at most %d (ulimit -Hn)", limit.rlim_max);
  if (limit.rlim_max >= kEnough) return {Kind::kOk, "open files", text, ""};
  return {Kind::kProblem, "open files", text,
          absl::StrFormat("raise the hard limit to %d", kEnough)};
}

Finding CheckProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  if (count > 1) {
    return {Kind::kOk, "processors", absl::StrFormat("%d to run on", count), ""};
  }
  return {Kind::kNote, "processors", "one only: nodes on this host take turns", ""};
}

std::vector<Finding> CheckRdmaDevices(const std::string& directory) {
  std::vector<Finding> findings;
  for (const std::filesystem::path& device : Sorted(directory)) {
    for (const std::filesystem::path& port : Sorted(device / "ports")) {
      findings.push_back(CheckPort(device.filename().string(), port));
    }
  }
  if (findings.empty()) {
    findings.push_back({Kind::kNote, "RDMA", "no device: only --transport shm works here",
                        "the folder soft-roce/ makes one in software"});
  }
  return findings;
}

Finding CheckLockedMemory(bool have_device) {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const std::string text = absl::StrFormat("at most %s can be registered with a device (ulimit -l)",
                                           LimitText(limit.rlim_cur));
  // The kernel does not hold CAP_IPC_LOCK to the limit; root usually has it.
  if (!have_device || limit.rlim_cur == RLIM_INFINITY || geteuid() == 0) {
    return {Kind::kOk, "locked memory", text, ""};
  }
  const auto needed = static_cast<int64_t>(NodeOptions{}.cache_bytes);
  if (limit.rlim_cur >= static_cast<rlim_t>(needed)) return {Kind::kOk, "locked memory", text, ""};
  return {Kind::kProblem, "locked memory", text,
          "ulimit -l unlimited (memlock in /etc/security/limits.conf, LimitMEMLOCK of a service)"};
}

std::vector<Finding> CheckMachine() {
  std::vector<Finding> findings = {CheckUserfaultfd()};
  const bool fallback = findings[0].kind != Kind::kOk;
  findings.push_back(CheckMapCount(fallback));
  findings.push_back(CheckMemfd());
  findings.push_back(CheckAddressSpace());
  findings.push_back(CheckOpenFiles());
  findings.push_back(CheckProcessors());
  const std::vector<Finding> devices = CheckRdmaDevices("/sys/class/infiniband");
  findings.insert(findings.end(), devices.begin(), devices.end());
  findings.push_back(CheckLockedMemory(devices[0].subject != "RDMA"));
  return findings;
}

}  // namespace farpage::cli
