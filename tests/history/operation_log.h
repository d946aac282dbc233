// What the threads of several processes did, written down while they do it. It survives them.
#ifndef FARPAGE_TESTS_HISTORY_OPERATION_LOG_H_
#define FARPAGE_TESTS_HISTORY_OPERATION_LOG_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "tests/history/history.h"
#include "tests/history/shared_file.h"

namespace farpage::history {

class OperationLog {
 public:
  static OperationLog Create(uint32_t threads, uint32_t operations_per_thread);
  static OperationLog Open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  uint32_t threads() const { return header().threads; }
  uint32_t capacity() const { return header().capacity; }  // of each thread

  // One thread's side. Operations are written down before they begin, so that what a process did
  // last is known even if it is killed.
  class Writer {
   public:
    bool full() const { return next_ == capacity_; }
    // Takes the time last of all. `operation` says everything but times and what will be read.
    void Begin(const Operation& operation);
    // What was read or replaced is `seen`. Takes the time first of all.
    void End(uint64_t seen);

   private:
    friend class OperationLog;
    Writer(Operation* operations, std::atomic<uint32_t>* count, uint32_t capacity)
        : operations_(operations), count_(count), capacity_(capacity) {}

    Operation* operations_;
    std::atomic<uint32_t>* count_;
    uint32_t capacity_;
    uint32_t next_ = 0;
    int64_t last_response_ns_ = 0;
  };
  Writer WriterOf(uint32_t thread);

  // Everything that has begun; reads that did not end are left out.
  std::vector<std::vector<Operation>> Threads() const;

 private:
  struct Header {
    uint32_t threads;
    uint32_t capacity;
  };
  struct alignas(64) Count {
    std::atomic<uint32_t> begun;
  };

  explicit OperationLog(SharedFile file) : file_(std::move(file)) {}
  Header& header() const { return *reinterpret_cast<Header*>(file_.data()); }
  Count& CountOf(uint32_t thread) const;
  Operation* OperationsOf(uint32_t thread) const;

  SharedFile file_;
};

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_OPERATION_LOG_H_
