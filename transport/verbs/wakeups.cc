#include "transport/verbs/wakeups.h"

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

}  // namespace

int64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

absl::StatusOr<std::unique_ptr<Wakeups>> Wakeups::Create() {
  auto wakeups = std::make_unique<Wakeups>();
  for (OwnedFd* bell : {&wakeups->agent_, &wakeups->watcher_}) {
    *bell = OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (bell->get() < 0) return SetUpError("eventfd", errno);
  }
  return wakeups;
}

void Wakeups::Ring(const OwnedFd& bell) {
  const uint64_t one = 1;
  // It can fail only when the counter is full, and then the bell is ringing.
  [[maybe_unused]] const ssize_t written = ::write(bell.get(), &one, sizeof one);
}

void Wakeups::Silence(int fd) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t bytes = ::read(fd, &count, sizeof count);
}

void Wakeups::WakeWords() {
  word_changes_.fetch_add(1, std::memory_order_seq_cst);
  if (word_sleepers_.load(std::memory_order_seq_cst) == 0) return;
  ::syscall(SYS_futex, &word_changes_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void Wakeups::SleepForWords(uint32_t seen, int64_t ns) {
  const timespec limit{ns / kSecond, ns % kSecond};
  word_sleepers_.fetch_add(1, std::memory_order_seq_cst);
  ::syscall(SYS_futex, &word_changes_, FUTEX_WAIT_PRIVATE, seen, &limit, nullptr, 0);
  word_sleepers_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace farpage::transport::verbs
