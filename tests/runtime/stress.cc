// Kills nodes, again and again: four nodes work on shared memory, one of them is killed at a random
// moment, and the others must get errors that name it, or right values, and end in time. Everything
// of a round follows from its seed, except for when things happen.
//
//   stress [--seconds S] [--rounds R] [--seed N]
//
// Exit status 1, with what the nodes said, after the first round in which something is wrong.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/bootstrap/rendezvous_server.h"
#include "transport/rendezvous.h"

namespace farpage::testing {
namespace {

using bootstrap::ProcessEnd;
using bootstrap::RendezvousServer;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using transport::OwnedFd;

constexpr uint32_t kNodes = 4;
constexpr int64_t kTimeoutMs = 10'000;  // of the nodes, for everything they wait for
// Join, one wait that times out, and leaving, each with its own bound.
constexpr milliseconds kPatience{4 * kTimeoutMs};

struct Plan {
  uint64_t seed;
  uint32_t victim;
  milliseconds kill_after;
  std::vector<std::string> environment;
};

Plan MakePlan(uint64_t seed) {
  std::mt19937_64 random(seed);
  Plan plan{seed, static_cast<uint32_t>(random() % kNodes), milliseconds(random() % 1500), {}};
  plan.environment = {
      absl::StrCat("FARPAGE_TEST_SEED=", seed),
      absl::StrCat("FARPAGE_TIMEOUT_MS=", kTimeoutMs),
      absl::StrCat("FARPAGE_FETCH_TIMEOUT_MS=", kTimeoutMs),
      absl::StrCat("FARPAGE_JOIN_TIMEOUT_MS=", kTimeoutMs),
      absl::StrCat("FARPAGE_PAGER=", random() % 2 == 0 ? "userfaultfd" : "mprotect"),
      absl::StrCat("FARPAGE_CACHE_BYTES=", random() % 2 == 0 ? "64K" : "1M"),
      absl::StrCat("FARPAGE_PREFETCH=", random() % 2)};
  return plan;
}

struct Process {
  pid_t pid = -1;
  OwnedFd output;  // a file of the kernel
  bool ended = false;
  ProcessEnd end;

  std::string Said() const {
    std::string text(1 << 16, '\0');
    const ssize_t bytes = pread(output.get(), text.data(), text.size(), 0);
    text.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
    return text;
  }
};

class Round {
 public:
  explicit Round(const Plan& plan) : plan_(plan), server_(*RendezvousServer::Listen(kNodes)) {
    std::array<int, 2> ends{-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    stay_ = OwnedFd(ends[0]);
    leave_ = OwnedFd(ends[1]);
  }
  ~Round() {
    for (Process& node : nodes_) {
      if (node.pid < 0 || node.ended) continue;
      kill(node.pid, SIGKILL);
      waitpid(node.pid, nullptr, 0);
    }
  }

  // What is wrong, or nothing.
  std::string Run() {
    for (uint32_t rank = 0; rank < kNodes; ++rank) Start(rank);
    const Clock::time_point begin = Clock::now();
    bool killed = false;
    while (!AllEnded()) {
      const auto now = Clock::now() - begin;
      if (now > plan_.kill_after + kPatience) return "a node hangs";
      if (!killed && now >= plan_.kill_after) {
        killed = true;
        if (!nodes_[plan_.victim].ended) kill(nodes_[plan_.victim].pid, SIGKILL);
      }
      if (AllDone()) leave_.reset();  // closes the nodes' standard input
      pollfd ready{server_->event_fd(), POLLIN, 0};
      poll(&ready, 1, 2);
      server_->Process();
      Reap();
    }
    return Judge();
  }

  std::string Report() const {
    std::string text;
    for (uint32_t rank = 0; rank < kNodes; ++rank) {
      const Process& node = nodes_[rank];
      absl::StrAppend(&text, "--- node ", rank, " ",
                      node.ended ? DescribeEnd(node.end) : "has not ended", "\n", node.Said());
    }
    return text;
  }

  // That a node was killed before it had done all its work, and the others were told.
  bool hit() const {
    for (const Process& node : nodes_) {
      if (node.Said().find("error: ") != std::string::npos) return true;
    }
    return false;
  }
  const std::string& address() const { return server_->address(); }

 private:
  void Start(uint32_t rank) {
    std::vector<std::string> environment = plan_.environment;
    environment.push_back(absl::StrCat("FARPAGE_RANK=", rank));
    environment.push_back(absl::StrCat("FARPAGE_SIZE=", kNodes));
    environment.push_back(absl::StrCat("FARPAGE_RENDEZVOUS=", server_->address()));
    environment.push_back(absl::StrCat("FARPAGE_JOB_SECRET=", server_->secret_text()));
    environment.emplace_back("FARPAGE_TRANSPORT=shm");
    // What the thread sanitizer needs.
    const char* const space = std::getenv("FARPAGE_ADDRESS_SPACE_BYTES");
    if (space != nullptr) {
      environment.push_back(absl::StrCat("FARPAGE_ADDRESS_SPACE_BYTES=", space));
    }
    std::vector<char*> pointers;
    pointers.reserve(environment.size() + 1);
    for (std::string& variable : environment) pointers.push_back(variable.data());
    pointers.push_back(nullptr);

    Process& node = nodes_[rank];
    node.output = OwnedFd(memfd_create("output", MFD_CLOEXEC));
    const pid_t parent = getpid();
    node.pid = fork();
    if (node.pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      dup2(stay_.get(), STDIN_FILENO);
      dup2(node.output.get(), STDOUT_FILENO);
      dup2(node.output.get(), STDERR_FILENO);
      execle(SCENARIOS, SCENARIOS, "SurviveKills", nullptr, pointers.data());
      _exit(127);
    }
  }

  bool AllEnded() const {
    for (const Process& node : nodes_) {
      if (!node.ended) return false;
    }
    return true;
  }

  bool AllDone() const {
    for (const Process& node : nodes_) {
      if (!node.ended && node.Said().find("done\n") == std::string::npos) return false;
    }
    return true;
  }

  void Reap() {
    for (uint32_t rank = 0; rank < kNodes; ++rank) {
      Process& node = nodes_[rank];
      int status = 0;
      if (node.ended || waitpid(node.pid, &status, WNOHANG) != node.pid) continue;
      node.ended = true;
      node.end = WIFEXITED(status) ? ProcessEnd{ProcessEnd::Kind::kExited, WEXITSTATUS(status)}
                                   : ProcessEnd{ProcessEnd::Kind::kKilled, WTERMSIG(status)};
      server_->NodeEnded(NodeId(rank), node.end);
    }
  }

  // Whether an error names a node that is gone: the one that was killed, or one that could not join
  // because of that.
  bool NamesTheGone(const std::string& error) const {
    for (uint32_t rank = 0; rank < kNodes; ++rank) {
      const bool gone =
          rank == plan_.victim || nodes_[rank].Said().find("error: join") != std::string::npos;
      if (gone && error.find(absl::StrCat("node ", rank)) != std::string::npos) return true;
    }
    return false;
  }

  // Survivors have ended well, and their errors are true.
  std::string Judge() const {
    for (uint32_t rank = 0; rank < kNodes; ++rank) {
      if (rank == plan_.victim) continue;
      if (!nodes_[rank].end.clean()) {
        return absl::StrCat("node ", rank, " ", DescribeEnd(nodes_[rank].end));
      }
      const std::string said = nodes_[rank].Said();
      for (size_t at = said.find("error: "); at != std::string::npos;
           at = said.find("error: ", at + 1)) {
        const std::string line = said.substr(at, said.find('\n', at) - at);
        if (!NamesTheGone(line)) {
          return absl::StrCat("node ", rank, " does not name node ", plan_.victim);
        }
      }
    }
    return "";
  }

  const Plan plan_;
  std::unique_ptr<RendezvousServer> server_;
  OwnedFd stay_;  // standard input of the nodes: at its end they leave
  OwnedFd leave_;
  std::array<Process, kNodes> nodes_;
};

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

bool HasSocket(const std::string& address) {
  const std::string name = "@" + address.substr(address.find(':') + 1);
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    if (line.find(name) != std::string::npos) return true;
  }
  return false;
}

// What is left of a round when it is over, or nothing. The memory of nodes is in unnamed files, of
// which nothing stays when their processes have ended, and that they have.
std::string LeftBehind(size_t descriptors_before, const std::string& address) {
  if (waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD) return "a process is left behind";
  if (OpenDescriptors() != descriptors_before) return "descriptors are left behind";
  if (HasSocket(address)) return "the socket is left behind";
  return "";
}

bool RunRound(uint64_t seed, bool& hit) {
  const size_t descriptors = OpenDescriptors();
  const Plan plan = MakePlan(seed);
  std::string wrong;
  std::string report;
  std::string address;
  {
    Round round(plan);
    wrong = round.Run();
    report = round.Report();
    hit = round.hit();
    address = round.address();
  }
  if (wrong.empty()) wrong = LeftBehind(descriptors, address);
  if (wrong.empty()) return true;
  std::printf(
      "%s--- environment: %s\nseed %llu (node %u killed after %lld ms): %s\n"
      "again: stress --rounds 1 --seed %llu\n",
      report.c_str(), absl::StrJoin(plan.environment, " ").c_str(),
      static_cast<unsigned long long>(seed), plan.victim,
      static_cast<long long>(plan.kill_after.count()), wrong.c_str(),
      static_cast<unsigned long long>(seed));
  return false;
}

int Stress(int64_t seconds, int64_t most_rounds, uint64_t first_seed) {
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  int64_t rounds = 0;
  int64_t hits = 0;
  while (rounds < most_rounds && Clock::now() < end) {
    bool hit = false;
    if (!RunRound(first_seed + static_cast<uint64_t>(rounds), hit)) return 1;
    ++rounds;
    hits += hit ? 1 : 0;
    std::fflush(stdout);
  }
  std::printf(
      "stress: %lld rounds from seed %llu on, in %lld of them a node was killed at work: "
      "nothing wrong\n",
      static_cast<long long>(rounds), static_cast<unsigned long long>(first_seed),
      static_cast<long long>(hits));
  return hits > 0 ? 0 : 1;
}

}  // namespace
}  // namespace farpage::testing

int main(int argc, char** argv) {
  int64_t seconds = 3'600;
  int64_t rounds = 1'000'000;
  uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const int64_t value = std::strtoll(argv[i + 1], nullptr, 10);
    if (option == "--seconds") {
      seconds = value;
    } else if (option == "--rounds") {
      rounds = value;
    } else if (option == "--seed") {
      seed = static_cast<uint64_t>(value);
    } else {
      argc = 0;
    }
  }
  if (argc % 2 == 0) {
    std::fprintf(stderr, "usage: stress [--seconds S] [--rounds R] [--seed N]\n");
    return 2;
  }
  return farpage::testing::Stress(seconds, rounds, seed);
}
