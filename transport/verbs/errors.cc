#include "transport/verbs/errors.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace farpage::transport::verbs {
namespace {

constexpr std::string_view kContainerHint =
    "in a container: --device=/dev/infiniband --ulimit memlock=-1";

std::string SoftLimit(int resource) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : absl::StrCat(limit.rlim_cur);
}

// Bytes that this process has pinned already, as the kernel counts them against the limit.
uint64_t PinnedBytes() {
  std::ifstream status("/proc/self/status");
  std::string name;
  while (status >> name) {
    uint64_t kib = 0;
    if (name == "VmPin:" && status >> kib) return kib * 1024;
  }
  return 0;
}

bool Empty(const char* directory) {
  std::error_code error;
  return std::filesystem::is_empty(directory, error) || error;
}

}  // namespace

absl::Status SetUpError(std::string_view call, int error) {
  std::string message = absl::StrCat(std::string(call), ": ", std::strerror(error));
  switch (error) {
    case EMFILE:
      absl::StrAppend(&message, "; a node needs one descriptor per peer and 16 more, the limit is ",
                      SoftLimit(RLIMIT_NOFILE), " (ulimit -n)");
      return absl::ResourceExhaustedError(message);
    case EFBIG:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
      absl::StrAppend(&message, "; the memlock limit is ", SoftLimit(RLIMIT_MEMLOCK),
                      " bytes (ulimit -l), of which ", PinnedBytes(), " are in use");
      return absl::ResourceExhaustedError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::FailedPreconditionError(message);
  }
}

absl::Status RegistrationError(std::string_view purpose, size_t bytes, int error) {
  const std::string what = absl::StrCat("registering ", bytes, " bytes for ", std::string(purpose));
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const uint64_t pinned = PinnedBytes();
  if (error != ENOMEM || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= pinned + bytes) {
    return SetUpError(what, error);
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(what, ": the memlock limit is ", limit.rlim_cur, " bytes, ", pinned + bytes,
                   " are needed; raise it (ulimit -l ", (pinned + bytes + 1023) / 1024,
                   ", memlock in /etc/security/limits.conf, LimitMEMLOCK= of a service; ",
                   std::string(kContainerHint), ")"));
}

absl::Status OpenError(std::string_view device, int error) {
  const std::string what =
      absl::StrCat("opening ", std::string(device), ": ", std::strerror(error));
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(
        absl::StrCat(what, "; /dev/infiniband/uverbs* must be readable and writable by this user; ",
                     std::string(kContainerHint)));
  }
  if (error == ENOENT || error == ENODEV || error == ENXIO) {
    return absl::NotFoundError(
        absl::StrCat(what, "; its node in /dev/infiniband is missing (modprobe ib_uverbs); ",
                     std::string(kContainerHint)));
  }
  return SetUpError(absl::StrCat("opening ", std::string(device)), error);
}

absl::Status NoDeviceError() {
  if (Empty("/sys/class/infiniband")) {
    return absl::NotFoundError(
        "there is no RDMA device; load the NIC's driver, or make a Soft-RoCE device: modprobe "
        "rdma_rxe && rdma link add rxe0 type rxe netdev eth0");
  }
  if (Empty("/dev/infiniband")) {
    return absl::NotFoundError(
        absl::StrCat("the kernel has RDMA devices, but /dev/infiniband is missing or empty "
                     "(modprobe ib_uverbs); ",
                     std::string(kContainerHint)));
  }
  return absl::NotFoundError(
      "the kernel has RDMA devices, but libibverbs knows none of them; install their user-space "
      "drivers (apt-get install ibverbs-providers)");
}

Fate FateOf(ibv_wc_status status) {
  switch (status) {
    case IBV_WC_SUCCESS:
      return Fate::kOk;
    case IBV_WC_LOC_LEN_ERR:
    case IBV_WC_LOC_PROT_ERR:
    case IBV_WC_LOC_ACCESS_ERR:
    case IBV_WC_REM_ACCESS_ERR:
    case IBV_WC_REM_INV_REQ_ERR:
      return Fate::kBadAddress;
    default:
      return Fate::kPeerFailed;
  }
}

bool RefusedByPeer(ibv_wc_status status) {
  return status == IBV_WC_REM_ACCESS_ERR || status == IBV_WC_REM_INV_REQ_ERR;
}

std::string Explain(ibv_wc_status status) {
  switch (status) {
    case IBV_WC_RETRY_EXC_ERR:
      return "it does not answer: a packet was sent again and again without acknowledgement";
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return "it had no receive request posted, which credits should prevent";
    case IBV_WC_LOC_LEN_ERR:
    case IBV_WC_LOC_PROT_ERR:
    case IBV_WC_LOC_ACCESS_ERR:
      return "an operation named local memory that is not registered, which broke the connection";
    case IBV_WC_REM_ACCESS_ERR:
    case IBV_WC_REM_INV_REQ_ERR:
      return "an operation named memory or a key that it does not have, which broke the connection";
    case IBV_WC_WR_FLUSH_ERR:
      return "its end broke the connection, or named bad memory here";
    default:
      return absl::StrCat("the connection broke: ", ibv_wc_status_str(status));
  }
}

}  // namespace farpage::transport::verbs
