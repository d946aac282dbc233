#include "tests/history/workload.h"

#include <array>
#include <atomic>
#include <csignal>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "tests/runtime/scenario.h"

namespace farpage::history {
namespace {

constexpr uint32_t kPageWords = 4096 / sizeof(uint64_t);
constexpr uint32_t kThreadBits = 6;  // of a value: who wrote it

class Thread {
 public:
  Thread(const Workload& workload, uint32_t number, uint32_t threads,
         const std::vector<uint64_t*>& words, OperationLog::Writer writer)
      : workload_(workload), number_(number), threads_(threads), words_(words), writer_(writer) {
    std::seed_seq seed = {workload.seed, uint64_t{number}};
    random_.seed(seed);
  }

  void Run() {
    while (!writer_.full()) {
      const uint32_t page = Below(workload_.pages);
      for (uint32_t count = 1 + Below(workload_.most_accesses_per_turn);
           count > 0 && !writer_.full(); --count, ++done_) {
        if (dies() && done_ == workload_.die_after) std::raise(SIGKILL);
        Access(page * workload_.locations_per_page + Below(workload_.locations_per_page));
      }
    }
  }

 private:
  bool dies() const { return workload_.die_after > 0 && number_ == workload_.threads_per_node; }
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  // Sequentially consistent also between the threads of one node, whose processor would else let a
  // store wait behind later loads.
  void Access(uint32_t location) {
    std::atomic_ref<uint64_t> word(*words_[location]);
    Operation operation{.location = location};
    if (Below(3) == 0) operation.kind = KindOfWrite(location);
    if (operation.writes()) operation.value = (++written_ << kThreadBits) | number_;
    writer_.Begin(operation);
    uint64_t seen = 0;
    switch (operation.kind) {
      case Kind::kRead:
        seen = word.load();
        break;
      case Kind::kWrite:
        word.store(operation.value);
        break;
      case Kind::kExchange:
        seen = word.exchange(operation.value);
        break;
    }
    writer_.End(seen);
  }

  Kind KindOfWrite(uint32_t location) const {
    switch (location % 3) {
      case 0:
        return location / 3 % threads_ == number_ ? Kind::kWrite : Kind::kRead;
      case 1:
        return Kind::kWrite;
      default:
        return Kind::kExchange;
    }
  }

  const Workload& workload_;
  const uint32_t number_;
  const uint32_t threads_;
  const std::vector<uint64_t*>& words_;
  OperationLog::Writer writer_;
  std::minstd_rand random_;
  uint64_t written_ = 0;
  uint32_t done_ = 0;
};

std::vector<uint64_t*> Words(Node& node, const Workload& workload) {
  std::array<std::span<uint64_t>, 2> regions;
  for (const Consistency consistency : {Consistency::kStrict, Consistency::kSequential}) {
    regions[static_cast<size_t>(consistency)] = testing::AllocateOrDie<uint64_t>(
        node, consistency == Consistency::kStrict ? "strict" : "sequential",
        size_t{workload.pages} * kPageWords,
        {.consistency = consistency, .placement = Placement::kCyclic});
  }
  std::vector<uint64_t*> words;
  for (uint32_t location = 0; location < workload.locations(); ++location) {
    const size_t page = workload.PageOf(location);
    words.push_back(&regions[static_cast<size_t>(workload.ConsistencyOf(location))]
                            [page * kPageWords + location % workload.locations_per_page]);
  }
  return words;
}

}  // namespace

void RunWorkload(Node& node, const Workload& workload, OperationLog& log) {
  const uint32_t threads = node.size() * workload.threads_per_node;
  REQUIRE(threads == log.threads() && threads <= 1u << kThreadBits);
  const std::vector<uint64_t*> words = Words(node, workload);
  REQUIRE_OK(node.Barrier());
  std::vector<std::thread> running;
  for (uint32_t own = 0; own < workload.threads_per_node; ++own) {
    const uint32_t number = node.id() * workload.threads_per_node + own;
    running.emplace_back(
        [&, number] { Thread(workload, number, threads, words, log.WriterOf(number)).Run(); });
  }
  for (std::thread& thread : running) thread.join();
  REQUIRE_OK(node.Barrier());
}

}  // namespace farpage::history
