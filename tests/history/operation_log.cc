#include "tests/history/operation_log.h"

#include <ctime>
#include <utility>

namespace farpage::history {
namespace {

// Nothing that comes later in the program begins before the time is taken, nothing that comes
// earlier ends after it: the processor would not keep that order by itself.
int64_t Now() {
#if defined(__x86_64__)
  __builtin_ia32_mfence();
  __builtin_ia32_lfence();
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
#if defined(__x86_64__)
  __builtin_ia32_lfence();
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

constexpr size_t kHeaderBytes = 64;

}  // namespace

OperationLog OperationLog::Create(uint32_t threads, uint32_t operations_per_thread) {
  const size_t bytes = kHeaderBytes + threads * sizeof(Count) +
                       size_t{threads} * operations_per_thread * sizeof(Operation);
  OperationLog log(SharedFile::Create(bytes));
  log.header() = {threads, operations_per_thread};
  return log;
}

OperationLog OperationLog::Open(const std::string& path) {
  return OperationLog(SharedFile::Open(path));
}

OperationLog::Count& OperationLog::CountOf(uint32_t thread) const {
  return reinterpret_cast<Count*>(file_.data() + kHeaderBytes)[thread];
}

Operation* OperationLog::OperationsOf(uint32_t thread) const {
  std::byte* operations = file_.data() + kHeaderBytes + threads() * sizeof(Count);
  return reinterpret_cast<Operation*>(operations) + size_t{thread} * capacity();
}

OperationLog::Writer OperationLog::WriterOf(uint32_t thread) {
  return {OperationsOf(thread), &CountOf(thread).begun, capacity()};
}

void OperationLog::Writer::Begin(const Operation& operation) {
  Operation& place = operations_[next_];
  place = operation;
  place.responded_ns = kNever;
  count_->store(next_ + 1, std::memory_order_release);
  // On a coarse clock the thread's operations would seem to overlap.
  do {
    place.invoked_ns = Now();
  } while (place.invoked_ns <= last_response_ns_);
}

void OperationLog::Writer::End(uint64_t seen) {
  const int64_t now = Now();
  Operation& place = operations_[next_++];
  if (place.kind == Kind::kRead) place.value = seen;
  if (place.kind == Kind::kExchange) place.replaced = seen;
  place.responded_ns = now;
  last_response_ns_ = now;
}

std::vector<std::vector<Operation>> OperationLog::Threads() const {
  std::vector<std::vector<Operation>> all(threads());
  for (uint32_t thread = 0; thread < threads(); ++thread) {
    const uint32_t begun = CountOf(thread).begun.load(std::memory_order_acquire);
    const Operation* operations = OperationsOf(thread);
    for (uint32_t number = 0; number < begun; ++number) {
      const Operation& operation = operations[number];
      // An exchange that did not end may have written; as a plain write it says no more than that.
      if (operation.responded_ns != kNever) {
        all[thread].push_back(operation);
      } else if (operation.writes() && operation.invoked_ns != 0) {
        all[thread].push_back(operation);
        all[thread].back().kind = Kind::kWrite;
      }
    }
  }
  return all;
}

}  // namespace farpage::history
