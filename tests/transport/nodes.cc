#include "tests/transport/nodes.h"

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <utility>

namespace farpage::transport {

int64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

void Await(std::string_view what, const std::function<bool()>& done) {
  const int64_t deadline = Patience();
  for (uint32_t turn = 1; !done(); ++turn) {
    if (turn % 64 == 0) std::this_thread::yield();
    if (NowNs() > deadline) {
      // Threads and buffers are in a state nobody can clean up.
      std::fprintf(stderr, "gave up waiting: %.*s\n", static_cast<int>(what.size()), what.data());
      std::abort();
    }
  }
}

size_t PollOnce(Transport& transport) {
  Completion* done[16];
  const size_t count = transport.Poll(done);
  for (size_t i = 0; i < count; ++i) static_cast<Ending*>(done[i])->times.fetch_add(1);
  return count;
}

Fate RunChain(Transport& transport, NodeId peer, std::span<const Operation> chain) {
  Ending ending;
  const Fate posted = transport.Post(peer, chain, &ending);
  if (posted != Fate::kPending) return posted;
  Await("a chain", [&] {
    PollOnce(transport);
    return ending.times.load() != 0;
  });
  return ending.fate;
}

Fate RunChain(Transport& transport, NodeId peer, std::initializer_list<Operation> chain) {
  return RunChain(transport, peer, std::span<const Operation>(chain.begin(), chain.size()));
}

Nodes::Nodes(const Backend& backend, uint32_t count) : cluster_(count), transports_(count) {
  std::vector<absl::Status> statuses(count);
  InParallel(count, [&](uint32_t i) {
    auto transport = backend.create(cluster_.node(NodeId(i)), PatienceTime());
    statuses[i] = transport.status();
    if (transport.ok()) {
      transports_[i] = *std::move(transport);
    } else {
      cluster_.Leave(NodeId(i));
    }
  });
  for (const absl::Status& status : statuses) {
    ok_ = ok_ && status.ok();
    EXPECT_TRUE(status.ok()) << status;
  }
}

Nodes::~Nodes() = default;

std::unique_ptr<Memory> Allocate(Transport& transport, size_t bytes) {
  auto memory = transport.Allocate(bytes, "test");
  if (!memory.ok()) {
    std::fprintf(stderr, "%s\n", memory.status().ToString().c_str());
    std::abort();
  }
  return *std::move(memory);
}

void InParallel(uint32_t count, const std::function<void(uint32_t)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  std::barrier start(count);
  for (uint32_t i = 0; i < count; ++i) {
    threads.emplace_back([&body, &start, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

Message MakeMessage(uint64_t value) {
  Message message;
  std::memcpy(message.bytes.data(), &value, 8);
  for (size_t i = 8; i < kMessageBytes; ++i) {
    message.bytes[i] = static_cast<std::byte>(value * 31 + i);
  }
  return message;
}

uint64_t ValueOf(const Message& message) {
  uint64_t value = 0;
  std::memcpy(&value, message.bytes.data(), 8);
  EXPECT_EQ(message.bytes, MakeMessage(value).bytes) << "a message was mixed up";
  return value;
}

Fate SendPatiently(Transport& transport, NodeId peer, const Message& message) {
  Fate fate = Fate::kNoCredit;
  Await("credit", [&] {
    fate = transport.Send(peer, message);
    if (fate == Fate::kNoCredit) PollOnce(transport);
    return fate != Fate::kNoCredit;
  });
  return fate;
}

ReceivedMessage ReceiveOne(Transport& transport) {
  ReceivedMessage received;
  Await("a message", [&] {
    PollOnce(transport);
    return transport.Receive({&received, 1}) == 1;
  });
  return received;
}

bool WaitForEventsInTime(Transport& transport) {
  const int64_t deadline = Patience();
  return transport.WaitForEvents(deadline) && NowNs() < deadline;
}

Fate WaitForWordOnceInTime(Transport& transport, const std::atomic<uint64_t>& word,
                           uint64_t value) {
  const int64_t deadline = Patience();
  const Fate fate = transport.WaitForWord(&word, value, deadline);
  return NowNs() < deadline ? fate : Fate::kTimedOut;
}

Fate WaitForWordInTime(Transport& transport, const std::atomic<uint64_t>& word, uint64_t value) {
  Fate fate = Fate::kOk;
  while (fate == Fate::kOk && word.load(std::memory_order_acquire) == value) {
    fate = WaitForWordOnceInTime(transport, word, value);
  }
  return fate;
}

}  // namespace farpage::transport
