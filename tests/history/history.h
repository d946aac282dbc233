// What the threads of a run did to shared memory, and when: what the checkers judge.
#ifndef FARPAGE_TESTS_HISTORY_HISTORY_H_
#define FARPAGE_TESTS_HISTORY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace farpage::history {

enum class Kind : uint8_t {
  kRead,
  kWrite,
  kExchange,  // an atomic write that returned what it replaced
};

// A write that never responded: it may have happened or not.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Every location holds this before the first write. No write stores it.
inline constexpr uint64_t kInitialValue = 0;

struct Operation {
  uint64_t value = 0;     // kRead: what it returned; else what it stored
  uint64_t replaced = 0;  // kExchange: what it returned
  int64_t invoked_ns = 0;
  int64_t responded_ns = 0;  // of one clock for all threads
  uint32_t location = 0;
  Kind kind = Kind::kRead;

  bool writes() const { return kind != Kind::kRead; }
  // Whether real time puts this operation before the other.
  bool Precedes(const Operation& other) const { return responded_ns < other.invoked_ns; }
};

// All operations of all threads. An operation's number is its place in `operations`.
class History {
 public:
  History() = default;
  explicit History(const std::vector<std::vector<Operation>>& threads);

  std::span<const Operation> operations() const { return operations_; }
  const Operation& operator[](size_t number) const { return operations_[number]; }
  uint32_t size() const { return static_cast<uint32_t>(operations_.size()); }
  uint32_t threads() const { return static_cast<uint32_t>(begin_.size() - 1); }
  // A thread's operations are those from ThreadBegin(t) to ThreadBegin(t + 1), in program order.
  uint32_t ThreadBegin(uint32_t thread) const { return begin_[thread]; }
  uint32_t ThreadOf(uint32_t number) const;
  // One more than the largest location.
  uint32_t locations() const { return locations_; }

  // "thread 2 #17: x5 = 12 is read in [100, 120]"; times are relative to the first operation.
  std::string Name(uint32_t number) const;

  // INVALID_ARGUMENT names the operations: the operations of a thread must follow each other in
  // time, and the values written to a location must be unique and not kInitialValue.
  absl::Status CheckWellFormed() const;

 private:
  std::vector<Operation> operations_;
  std::vector<uint32_t> begin_{0};
  uint32_t locations_ = 0;
  int64_t epoch_ns_ = 0;
};

// Who wrote what.
class WriteIndex {
 public:
  static constexpr uint32_t kNobody = 0xFFFFFFFF;

  explicit WriteIndex(const History& history);
  // Numbers of all writes to a location, by value.
  std::span<const uint32_t> WritesTo(uint32_t location) const;
  // Where among them the one that wrote `value` is, or kNobody.
  uint32_t PlaceOf(uint32_t location, uint64_t value) const;
  // Its number, or kNobody.
  uint32_t Find(uint32_t location, uint64_t value) const;

 private:
  const History& history_;
  std::vector<uint32_t> writes_;  // by location, then by value
  std::vector<uint32_t> begin_;   // by location
};

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_HISTORY_H_
