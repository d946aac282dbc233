// What goes wrong, and how a program learns of it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kPageBytes = 4096;

void Say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

NODE_SCENARIO(DifferentSizes) {
  Node node = JoinOrDie();
  absl::Status status = node.Allocate<char>("x", 4096 * (1 + node.id())).status();
  Say(status.ToString());
  return status.code() == absl::StatusCode::kInvalidArgument ? 0 : 1;
}

// One node's kernel has no more addresses for it. The others must hear of it.
NODE_SCENARIO(OneNodeCannotAllocate) {
  Node node = JoinOrDie();
  if (node.id() == 1) {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t most = pages * kPageBytes + (size_t{64} << 20);
    const rlimit limit{most, most};
    REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  }
  const absl::Status status =
      node.Allocate<char>("x", kPageBytes, {.consistency = Consistency::kRelease}).status();
  Say(status.ToString());
  REQUIRE(status.code() == absl::StatusCode::kResourceExhausted);
  // All come to the same end, so that they go on together.
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(TooMuch) {
  Node node = JoinOrDie();
  absl::Status status = node.Allocate<char>("x", size_t{1} << 39).status();
  Say(status.ToString());
  REQUIRE(status.code() == absl::StatusCode::kResourceExhausted);
  REQUIRE(!node.Allocate<char>("nothing", 0).ok());
  REQUIRE(!node.Allocate<char>("odd", 4096,
                               {.placement = Placement::kCyclic, .cyclic_block_bytes = 100})
               .ok());
  REQUIRE(
      !node.Allocate<char>("nowhere", 4096, {.placement = Placement::kOneHome, .home = 99}).ok());
  // It still works after all that.
  std::span<char> memory = AllocateOrDie<char>(node, "y", 100);
  if (node.id() == 0) memory[0] = 'y';
  REQUIRE_OK(node.Barrier());
  REQUIRE(memory[0] == 'y');
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(JoinTwice) {
  Node node = JoinOrDie();
  absl::StatusOr<Node> again = Node::Join(Options());
  REQUIRE(!again.ok());
  Say(TextOf(again.status()));
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Node 1 dies while the others wait in a barrier, for a lock, or in a fault.
void DieIfNodeOne(const Node& node) {
  if (node.id() != 1) return;
  usleep(100'000);
  raise(SIGKILL);
}

NODE_SCENARIO(DeathInBarrier) {
  Node node = JoinOrDie();
  DieIfNodeOne(node);
  absl::Status status = node.Barrier();
  Say("barrier: " + status.ToString());
  return status.code() == absl::StatusCode::kUnavailable ? 0 : 1;
}

NODE_SCENARIO(DeathOfLockHolder) {
  Node node = JoinOrDie();
  absl::StatusOr<Mutex> mutex = node.MakeMutex("m");
  REQUIRE_OK(mutex.status());
  if (node.id() == 1) REQUIRE_OK(mutex->Lock());
  REQUIRE_OK(node.Barrier());
  DieIfNodeOne(node);
  absl::Status status = mutex->Lock();
  Say("lock: " + status.ToString());
  return status.code() == absl::StatusCode::kUnavailable ? 0 : 1;
}

std::span<char> PagesHeldByNodeOne(Node& node) {
  std::span<char> memory =
      AllocateOrDie<char>(node, "held", 8 * kPageBytes, {.placement = Placement::kOneHome});
  if (node.id() == 1) std::memset(memory.data(), 1, 4 * kPageBytes);
  REQUIRE_OK(node.Barrier());
  return memory;
}

NODE_SCENARIO(LostPageKills) {
  Node node = JoinOrDie();
  std::span<char> memory = PagesHeldByNodeOne(node);
  DieIfNodeOne(node);
  usleep(400'000);
  memory[5 * kPageBytes] = 7;  // not touched by the dead node: works
  absl::StatusOr<Pinned> pinned = node.Pin(memory.data(), 1, Access::kRead);
  Say("pin: " + pinned.status().ToString());
  REQUIRE(pinned.status().code() == absl::StatusCode::kUnavailable);
  Say("reading the lost page");
  return *static_cast<volatile char*>(memory.data());
}

sigjmp_buf lost;
void OnLost(int, siginfo_t*, void*) { siglongjmp(lost, 1); }

// A program that installs a handler before it joins gets what Farpage cannot serve.
NODE_SCENARIO(LostPageGoesToUserHandler) {
  struct sigaction action {};
  action.sa_sigaction = OnLost;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
  Node node = JoinOrDie();
  std::span<char> memory = PagesHeldByNodeOne(node);
  DieIfNodeOne(node);
  usleep(400'000);
  if (sigsetjmp(lost, 1) != 0) {
    Say("the handler was called");
    return 0;
  }
  return 1 + *static_cast<volatile char*>(memory.data());
}

// A fault under way when the holder dies, not only after.
NODE_SCENARIO(DeathDuringFaults) {
  Node node = JoinOrDie();
  std::span<char> memory =
      AllocateOrDie<char>(node, "fought over", 4 * kPageBytes, {.placement = Placement::kOneHome});
  REQUIRE_OK(node.Barrier());
  if (node.id() == 1) {
    std::thread([] {
      usleep(200'000);
      raise(SIGKILL);
    }).detach();
  }
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  while (node.id() == 1 || std::chrono::steady_clock::now() < give_up) {
    for (size_t page = 0; page < 4; ++page) {
      volatile char* byte = &memory[page * kPageBytes + node.id()];
      *byte = static_cast<char>(*byte + 1);
    }
    if (node.id() == 1) continue;
    absl::StatusOr<Pinned> pinned = node.Pin(memory.data(), memory.size(), Access::kRead);
    if (pinned.ok()) continue;
    Say("pin: " + pinned.status().ToString());
    return pinned.status().code() == absl::StatusCode::kUnavailable ? 0 : 1;
  }
  Say("node 1 held nothing when it died");
  return 0;
}

NODE_SCENARIO(PastTheEnd) {
  Node node = JoinOrDie();
  std::span<char> memory = AllocateOrDie<char>(node, "small", kPageBytes);
  REQUIRE_OK(node.Barrier());
  return static_cast<volatile char*>(memory.data())[100 * kPageBytes];
}

// SIGBUS for another reason: a file that was cut short.
void ReadPastEndOfFile() {
  const int file = memfd_create("short", MFD_CLOEXEC);
  REQUIRE(file >= 0 && ftruncate(file, 0) == 0);
  void* mapping = mmap(nullptr, kPageBytes, PROT_READ, MAP_SHARED, file, 0);
  REQUIRE(mapping != MAP_FAILED);
  static_cast<void>(*static_cast<volatile char*>(mapping));
}

NODE_SCENARIO(ForeignSigbusKills) {
  Node node = JoinOrDie();
  ReadPastEndOfFile();
  return 0;
}

NODE_SCENARIO(ForeignSigbusGoesToUserHandler) {
  struct sigaction action {};
  action.sa_sigaction = OnLost;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
  Node node = JoinOrDie();
  if (sigsetjmp(lost, 1) == 0) {
    ReadPastEndOfFile();
    return 1;
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(ExceptionInUserCode) {
  Node node = JoinOrDie();
  if (node.id() == 1) throw std::runtime_error("user code failed");
  absl::Status status = node.Barrier();
  Say("barrier: " + status.ToString());
  return status.ok() ? 1 : 0;
}

NODE_SCENARIO(ExitInUserCode) {
  Node node = JoinOrDie();
  if (node.id() == 1) std::exit(7);
  absl::Status status = node.Barrier();
  Say("barrier: " + status.ToString());
  return status.ok() ? 1 : 0;
}

NODE_SCENARIO(ForkAndSmallStacks) {
  Node node = JoinOrDie();
  std::span<char> memory = AllocateOrDie<char>(node, "memory", 64 * kPageBytes);
  if (node.id() == 0) std::memset(memory.data(), 'm', memory.size());
  REQUIRE_OK(node.Barrier());
  const pid_t child = fork();
  if (child == 0) _exit(0);  // children have no part in shared memory
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  REQUIRE(memory[0] == 'm');
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  pthread_t thread;
  const auto read_all = [](void* data) -> void* {
    auto* bytes = static_cast<std::span<char>*>(data);
    for (char byte : *bytes) REQUIRE(byte == 'm');
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, read_all, &memory) == 0);
  pthread_join(thread, nullptr);
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(AloneWithoutLauncher) {
  Node node = JoinOrDie();
  REQUIRE(node.size() == 1 && node.id() == 0);
  std::span<uint64_t> words = AllocateOrDie<uint64_t>(node, "words", 100'000);
  for (size_t index = 0; index < words.size(); ++index) words[index] = index;
  REQUIRE_OK(node.Barrier());
  for (size_t index = 0; index < words.size(); ++index) REQUIRE(words[index] == index);
  return 0;
}

NODE_SCENARIO(OneNodeDoesNotJoin) {
  if (Amount("FARPAGE_RANK", 0) == 1) {
    sleep(4);
    return 0;
  }
  absl::StatusOr<Node> node = Node::Join();
  REQUIRE(!node.ok());
  Say(TextOf(node.status()));
  return 0;
}

}  // namespace
}  // namespace farpage::testing
