#include "tests/transport/fork_cluster.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::transport {
namespace {

constexpr size_t kMaxFds = 16;
constexpr size_t kMaxBytes = 64 * 1024;
constexpr int kPatienceMs = 60'000;

void SleepOneMillisecond() {
  const timespec millisecond{0, 1'000'000};
  ::nanosleep(&millisecond, nullptr);
}

void Check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

// Every pair of nodes has a socket; in an exchange each sends to each.
class SocketRendezvous final : public Rendezvous {
 public:
  SocketRendezvous(NodeId self, std::vector<int> sockets)
      : self_(self), sockets_(std::move(sockets)) {}

  NodeId self() const override { return self_; }
  uint32_t size() const override { return static_cast<uint32_t>(sockets_.size()); }
  bool carries_fds() const override { return true; }
  absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view key, Contribution mine,
                                                      absl::Time deadline) override;

 private:
  absl::Status Send(size_t peer, std::string_view key, const Contribution& mine);
  absl::StatusOr<Contribution> ReceiveFrom(size_t peer, std::string_view key, absl::Time deadline);

  const NodeId self_;
  const std::vector<int> sockets_;  // by peer
};

// One packet: the key, a zero byte, the bytes; descriptors beside it.
absl::Status SocketRendezvous::Send(size_t peer, std::string_view key, const Contribution& mine) {
  std::string packet = absl::StrCat(std::string(key), std::string(1, '\0'), mine.bytes);
  if (packet.size() > kMaxBytes) return absl::InvalidArgumentError("too large for a test");
  iovec data{packet.data(), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!mine.fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(mine.fds.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(mine.fds.size() * sizeof(int));
    for (size_t i = 0; i < mine.fds.size(); ++i) {
      const int fd = mine.fds[i].get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  if (::sendmsg(sockets_[peer], &header, MSG_NOSIGNAL) < 0) {
    return absl::UnavailableError(absl::StrCat("node ", peer, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Contribution> SocketRendezvous::ReceiveFrom(size_t peer, std::string_view key,
                                                           absl::Time deadline) {
  pollfd ready{sockets_[peer], POLLIN, 0};
  const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
  if (::poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left, 0, kPatienceMs))) <= 0) {
    return absl::DeadlineExceededError(absl::StrCat("node ", peer, " is missing"));
  }
  std::string packet(kMaxBytes, '\0');
  iovec data{packet.data(), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t bytes = ::recvmsg(sockets_[peer], &header, MSG_CMSG_CLOEXEC);
  if (bytes <= 0) return absl::UnavailableError(absl::StrCat("node ", peer, " has ended"));
  packet.resize(static_cast<size_t>(bytes));
  Contribution contribution;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr;
       rights = CMSG_NXTHDR(&header, rights)) {
    const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof(int), sizeof fd);
      contribution.fds.emplace_back(fd);
    }
  }
  const size_t end_of_key = packet.find('\0');
  if (packet.substr(0, end_of_key) != key) {
    return absl::InvalidArgumentError(absl::StrCat("node ", peer, " is at '", packet.c_str(),
                                                   "', node ", self_.value(), " at '",
                                                   std::string(key), "'"));
  }
  contribution.bytes = packet.substr(end_of_key + 1);
  return contribution;
}

absl::StatusOr<std::vector<Contribution>> SocketRendezvous::AllGather(std::string_view key,
                                                                      Contribution mine,
                                                                      absl::Time deadline) {
  std::vector<Contribution> all(size());
  for (size_t peer = 0; peer < size(); ++peer) {
    if (peer == self_.value()) continue;
    absl::Status sent = Send(peer, key, mine);
    if (!sent.ok()) return sent;
  }
  for (size_t peer = 0; peer < size(); ++peer) {
    if (peer == self_.value()) continue;
    absl::StatusOr<Contribution> contribution = ReceiveFrom(peer, key, deadline);
    if (!contribution.ok()) return contribution.status();
    all[peer] = *std::move(contribution);
  }
  all[self_.value()] = std::move(mine);
  return all;
}

[[noreturn]] void RunChild(NodeId self, std::vector<int> sockets, const ForkCluster::Body& body,
                           SharedPage& page) {
  // Nothing outlives the test program, however that ends.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  {
    SocketRendezvous rendezvous(self, std::move(sockets));
    body(rendezvous, page);
  }
  std::fflush(nullptr);
  if (!testing::Test::HasFailure()) ::_exit(0);
  ++page.failures;
  ::_exit(1);
}

}  // namespace

ForkCluster::ForkCluster(uint32_t nodes, const Body& body) : pids_(nodes) {
  void* const page = ::mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Check(page != MAP_FAILED, "mmap");
  page_ = new (page) SharedPage{};
  std::vector<std::vector<int>> sockets(nodes, std::vector<int>(nodes, -1));
  for (uint32_t i = 0; i < nodes; ++i) {
    for (uint32_t j = i + 1; j < nodes; ++j) {
      int pair[2];
      Check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
      sockets[i][j] = pair[0];
      sockets[j][i] = pair[1];
    }
  }
  const auto close_row = [](const std::vector<int>& row) {
    for (const int fd : row) {
      if (fd >= 0) ::close(fd);
    }
  };
  std::fflush(nullptr);
  for (uint32_t i = 0; i < nodes; ++i) {
    pids_[i] = ::fork();
    Check(pids_[i] >= 0, "fork");
    if (pids_[i] != 0) continue;
    for (uint32_t j = 0; j < nodes; ++j) {
      if (j != i) close_row(sockets[j]);
    }
    RunChild(NodeId(i), std::move(sockets[i]), body, *page_);
  }
  for (const std::vector<int>& row : sockets) close_row(row);
}

ForkCluster::~ForkCluster() {
  for (uint32_t i = 0; i < pids_.size(); ++i) {
    if (pids_[i] == 0) continue;
    Kill(NodeId(i));
    Wait(NodeId(i));
  }
  ::munmap(page_, sizeof(SharedPage));
}

bool ForkCluster::AwaitWord(size_t word, uint64_t value) {
  for (int waited_ms = 0; waited_ms < kPatienceMs && page_->failures == 0; ++waited_ms) {
    if (page_->words[word].load() >= value) return true;
    SleepOneMillisecond();
  }
  return false;
}

void ForkCluster::Kill(NodeId node) { ::kill(pids_[node.value()], SIGKILL); }

int ForkCluster::Wait(NodeId node) {
  for (int waited_ms = 0; waited_ms < kPatienceMs; ++waited_ms) {
    int status = 0;
    if (::waitpid(pids_[node.value()], &status, WNOHANG) != 0) {
      pids_[node.value()] = 0;
      return status;
    }
    SleepOneMillisecond();
  }
  return -1;
}

void ForkCluster::ExpectSuccess(NodeId node) {
  const int status = Wait(node);
  EXPECT_NE(status, -1) << "node " << node.value() << " hangs";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "node " << node.value() << ": wait status " << status;
}

}  // namespace farpage::transport
