#include "tests/simulation/seed_runner.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"

namespace farpage::simulation {
namespace {

constexpr uint32_t kMostJobs = 256;
constexpr uint32_t kMostFailures = 64;
constexpr size_t kTextBytes = size_t{16} << 10;

// Shared by the parent and its workers.
struct Board {
  struct Failed {
    uint64_t seed;
    char text[kTextBytes];
  };
  std::atomic<uint64_t> next{0};  // index in the range
  std::atomic<uint32_t> failures{0};
  std::atomic<uint64_t> seeds{0};
  std::atomic<uint64_t> events{0};
  std::atomic<uint64_t> accesses{0};
  std::atomic<uint64_t> lost_accesses{0};
  std::atomic<uint64_t> hash{0};
  std::array<std::atomic<uint64_t>, directory::kStates * directory::kEvents> coverage{};
  std::array<std::atomic<uint64_t>, kMostJobs> current{};  // seed that the job is at
  std::array<Failed, kMostFailures> failed;
};

void Note(Board& board, uint64_t seed, const std::string& text) {
  const uint32_t place = board.failures.fetch_add(1);
  if (place >= kMostFailures) return;
  Board::Failed& failed = board.failed[place];
  failed.seed = seed;
  const size_t length = std::min(text.size(), kTextBytes - 1);
  std::memcpy(failed.text, text.data(), length);
  failed.text[length] = 0;
}

void Count(Board& board, uint64_t seed, const Verdict& verdict) {
  board.seeds.fetch_add(1);
  board.events.fetch_add(verdict.events);
  board.accesses.fetch_add(verdict.accesses);
  board.lost_accesses.fetch_add(verdict.lost_accesses);
  board.hash.fetch_add(transport::sim::Random::Mix(verdict.hash ^ seed));
  for (size_t state = 0; state < directory::kStates; ++state) {
    for (size_t event = 0; event < directory::kEvents; ++event) {
      const uint64_t times = verdict.coverage[state][event];
      if (times != 0) board.coverage[state * directory::kEvents + event].fetch_add(times);
    }
  }
}

void Work(Board& board, const SeedRange& range, uint32_t job,
          const std::function<Verdict(uint64_t)>& run) {
  while (board.failures.load() < range.most_failures) {
    const uint64_t index = board.next.fetch_add(1);
    if (index >= range.count) return;
    const uint64_t seed = range.first + index;
    board.current[job].store(seed);
    const Verdict verdict = run(seed);
    Count(board, seed, verdict);
    if (!verdict.failure.empty()) Note(board, seed, verdict.failure);
  }
}

pid_t StartWorker(Board& board, const SeedRange& range, uint32_t job,
                  const std::function<Verdict(uint64_t)>& run) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) {
    std::perror("cannot start a worker");
    std::exit(1);
  }
  if (pid > 0) return pid;
  Work(board, range, job, run);
  _exit(0);
}

Summary Collect(const Board& board) {
  Summary summary{board.seeds, board.events, board.accesses, board.lost_accesses, board.hash, {},
                  {}};
  for (size_t state = 0; state < directory::kStates; ++state) {
    for (size_t event = 0; event < directory::kEvents; ++event) {
      summary.coverage[state][event] = board.coverage[state * directory::kEvents + event].load();
    }
  }
  const uint32_t failures = std::min(board.failures.load(), kMostFailures);
  for (uint32_t index = 0; index < failures; ++index) {
    summary.failures.push_back({board.failed[index].seed, board.failed[index].text});
  }
  std::sort(summary.failures.begin(), summary.failures.end(),
            [](const FailedSeed& one, const FailedSeed& other) { return one.seed < other.seed; });
  return summary;
}

}  // namespace

Summary RunSeeds(const SeedRange& range, const std::function<Verdict(uint64_t seed)>& run) {
  void* shared =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("no memory");
    std::exit(1);
  }
  auto* board = new (shared) Board;
  const uint32_t jobs = std::clamp(range.jobs, 1u, kMostJobs);
  std::vector<pid_t> workers;
  workers.reserve(jobs);
  for (uint32_t job = 0; job < jobs; ++job) {
    workers.push_back(StartWorker(*board, range, job, run));
  }
  for (uint32_t job = 0; job < jobs; ++job) {
    for (;;) {
      int status = 0;
      if (waitpid(workers[job], &status, 0) < 0 ||
          (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        break;
      }
      Note(*board, board->current[job].load(),
           WIFSIGNALED(status)
               ? absl::StrCat("the process was ended by signal ", WTERMSIG(status), " (",
                              strsignal(WTERMSIG(status)), "); what it said is above")
               : absl::StrCat("the process ended with status ", WEXITSTATUS(status)));
      workers[job] = StartWorker(*board, range, job, run);
    }
  }
  Summary summary = Collect(*board);
  munmap(shared, sizeof(Board));
  return summary;
}

}  // namespace farpage::simulation
