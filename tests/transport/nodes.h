// Helpers of the conformance tests: nodes as threads of this process, chains run to their end.
#ifndef FARPAGE_TESTS_TRANSPORT_NODES_H_
#define FARPAGE_TESTS_TRANSPORT_NODES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tests/transport/backend.h"
#include "transport/local_rendezvous.h"
#include "transport/transport.h"

namespace farpage::transport {

// No correct wait takes this long, on however slow a machine.
inline constexpr int64_t kPatienceNs = 60'000'000'000;

int64_t NowNs();  // CLOCK_MONOTONIC
inline int64_t Patience() { return NowNs() + kPatienceNs; }
inline absl::Time PatienceTime() { return absl::Now() + absl::Nanoseconds(kPatienceNs); }

// Calls `done` until it returns true. If that takes too long, ends the process with `what`.
void Await(std::string_view what, const std::function<bool()>& done);

// The completion of every chain in these tests: whichever thread polls it tells who waits.
struct Ending : Completion {
  std::atomic<uint32_t> times{0};  // how often it was returned
};

// Polls once; tells the waiters. Returns how many completions came.
size_t PollOnce(Transport& transport);

// Runs a chain to its end. Any thread.
Fate RunChain(Transport& transport, NodeId peer, std::span<const Operation> chain);
Fate RunChain(Transport& transport, NodeId peer, std::initializer_list<Operation> chain);

// A cluster of nodes in this process.
class Nodes {
 public:
  // Fails the current test if it cannot be made; then ok() is false.
  Nodes(const Backend& backend, uint32_t count);
  ~Nodes();
  bool ok() const { return ok_; }
  uint32_t size() const { return static_cast<uint32_t>(transports_.size()); }
  Transport& operator[](uint32_t node) { return *transports_[node]; }
  // Ends one node.
  void Destroy(uint32_t node) { transports_[node].reset(); }

 private:
  LocalCluster cluster_;
  std::vector<std::unique_ptr<Transport>> transports_;
  bool ok_ = true;
};

// Allocates or ends the process with the error.
std::unique_ptr<Memory> Allocate(Transport& transport, size_t bytes);

inline uint64_t* Words(Memory& memory) { return reinterpret_cast<uint64_t*>(memory.data()); }
inline std::atomic<uint64_t>& AtomicWord(Memory& memory, size_t index = 0) {
  return reinterpret_cast<std::atomic<uint64_t>*>(memory.data())[index];
}

// Runs `body(i)` for i = 0 … count − 1, each on a thread of its own, to the end. They begin when
// all threads are there.
void InParallel(uint32_t count, const std::function<void(uint32_t)>& body);

// A message that says `value`, and whether it arrived whole.
Message MakeMessage(uint64_t value);
uint64_t ValueOf(const Message& message);

// Sends, again and again while there is no credit.
Fate SendPatiently(Transport& transport, NodeId peer, const Message& message);

// The next message; waits for it by polling.
ReceivedMessage ReceiveOne(Transport& transport);

// Waits for events; true if there was one, false if it came to the deadline. (That an event was
// there at the deadline does not count: it may have been slept through.)
bool WaitForEventsInTime(Transport& transport);

// WaitForWord(), as callers use it, until the word differs. kTimedOut if it came to the deadline.
Fate WaitForWordInTime(Transport& transport, const std::atomic<uint64_t>& word, uint64_t value);

// Once; kTimedOut if it came to the deadline, whatever is the case then.
Fate WaitForWordOnceInTime(Transport& transport, const std::atomic<uint64_t>& word, uint64_t value);

class Conformance : public testing::TestWithParam<Backend> {
 protected:
  static uint32_t Repetitions() { return GetParam().repetitions; }
  static uint32_t Operations() { return std::max(GetParam().repetitions, GetParam().operations); }
};

}  // namespace farpage::transport

#endif  // FARPAGE_TESTS_TRANSPORT_NODES_H_
