#include "runtime/memory/fault_handler.h"

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace farpage::internal {
namespace {

std::atomic<FaultServer*> fault_server{nullptr};

struct Caught {
  int signal;
  struct sigaction previous;
};
std::array<Caught, 2> caught = {{{SIGBUS, {}}, {SIGSEGV, {}}}};

struct sigaction& PreviousOf(int signal) {
  return caught[signal == SIGBUS ? 0 : 1].previous;
}

Access AccessOf(const void* context) {
  const auto* machine = &static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  constexpr greg_t kWriteBit = 2;  // page-fault error code, Intel SDM volume 3, 4.7
  return (machine->gregs[REG_ERR] & kWriteBit) != 0 ? Access::kWrite : Access::kRead;
#elif defined(__aarch64__)
  // The kernel appends records; the one with the exception syndrome has the write bit (WnR).
  constexpr uint32_t kSyndromeMagic = 0x45535201;
  constexpr uint64_t kWriteBit = 1 << 6;
  const unsigned char* record = machine->__reserved;
  for (;;) {
    uint32_t magic = 0;
    uint32_t size = 0;
    std::memcpy(&magic, record, sizeof magic);
    std::memcpy(&size, record + 4, sizeof size);
    if (magic == kSyndromeMagic) {
      uint64_t syndrome = 0;
      std::memcpy(&syndrome, record + 8, sizeof syndrome);
      return (syndrome & kWriteBit) != 0 ? Access::kWrite : Access::kRead;
    }
    if (magic == 0 || size == 0) return Access::kWrite;
    record += size;
  }
#else
#error "how does this processor tell reads from writes in a signal handler?"
#endif
}

// Does what would have happened without us.
void PassOn(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = PreviousOf(signal);
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
    return;
  }
  const bool sent = info->si_code <= 0;  // by kill() or raise(), not by a fault
  if (sent && previous.sa_handler == SIG_IGN) return;
  struct sigaction fallback {};
  fallback.sa_handler = SIG_DFL;
  sigaction(signal, &fallback, nullptr);
  if (sent) raise(signal);  // a fault comes again by itself
}

void OnFault(int signal, siginfo_t* info, void* context) {
  FaultServer* server = fault_server.load(std::memory_order_acquire);
  const bool sent = info->si_code <= 0;
  if (server != nullptr && !sent && server->Owns(info->si_addr)) {
    const int saved_errno = errno;
    const bool served = server->Serve(info->si_addr, AccessOf(context));
    errno = saved_errno;
    if (served) return;
  }
  PassOn(signal, info, context);
}

}  // namespace

absl::Status InstallFaultHandler(FaultServer* server) {
  FaultServer* none = nullptr;
  if (!fault_server.compare_exchange_strong(none, server)) {
    return absl::AlreadyExistsError("this process is a node already; one Node per process");
  }
  struct sigaction action {};
  action.sa_sigaction = &OnFault;
  action.sa_flags = SA_SIGINFO;
  // No other handler may run on this thread in between: it could touch the page being served.
  sigfillset(&action.sa_mask);
  for (Caught& one : caught) {
    if (sigaction(one.signal, &action, &one.previous) != 0) {
      fault_server.store(nullptr);
      return absl::InternalError(
          absl::StrCat("cannot handle signal ", one.signal, ": ", strerrordesc_np(errno)));
    }
  }
  return absl::OkStatus();
}

void RemoveFaultHandler() {
  for (const Caught& one : caught) {
    struct sigaction now {};
    if (sigaction(one.signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
        now.sa_sigaction == &OnFault) {
      sigaction(one.signal, &one.previous, nullptr);
    }
  }
  fault_server.store(nullptr, std::memory_order_release);
}

}  // namespace farpage::internal
