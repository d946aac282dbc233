#include "transport/verbs/lifelines.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/verbs/choose_port.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

// Keep-alive: a host that has not answered for about 3 s is lost.
constexpr int kIdleSeconds = 1;
constexpr int kIntervalSeconds = 1;
constexpr int kProbes = 2;

// The last words of a node that closes a lifeline while it lives.
constexpr char kLeaving = 'L';
constexpr char kGivingUp = 'G';

// What a connecting node says first.
struct Hello {
  std::array<uint8_t, 16> token{};
  uint32_t node = 0;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool IsV4(const std::array<uint8_t, 16>& ip) {
  in6_addr address;
  std::memcpy(&address, ip.data(), sizeof address);
  return IN6_IS_ADDR_V4MAPPED(&address);
}

// IPv4 addresses through IPv4 sockets: hosts without IPv6 exist.
SocketAddress ToSocket(const LifelineAddress& from) {
  SocketAddress to;
  if (IsV4(from.ip)) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(to.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = from.port;
    std::memcpy(&v4.sin_addr, &from.ip[12], sizeof v4.sin_addr);
    to.length = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(to.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = from.port;
    std::memcpy(&v6.sin6_addr, from.ip.data(), sizeof v6.sin6_addr);
    to.length = sizeof v6;
  }
  return to;
}

std::string Text(const LifelineAddress& address) {
  ibv_gid gid;
  std::memcpy(gid.raw, address.ip.data(), sizeof gid.raw);
  return absl::StrCat(AddressOf(gid), " port ", ntohs(address.port));
}

void SetV4(std::array<uint8_t, 16>& ip, const in_addr& v4) {
  ip = {};
  ip[10] = ip[11] = 0xff;
  std::memcpy(&ip[12], &v4, sizeof v4);
}

absl::Status FindAddress(const std::string& text, std::array<uint8_t, 16>& ip) {
  in_addr v4{};
  if (text.empty()) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return SetUpError("getifaddrs", errno);
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
      if ((entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
      SetV4(ip, reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr);
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        "this host has no IPv4 address but loopback, which is needed to notice when nodes die");
  }
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    SetV4(ip, v4);
    return absl::OkStatus();
  }
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("lifeline_address '", text, "' is not an IP address"));
}

// Waits until the socket can do `what` (POLLIN or POLLOUT). False when the deadline passes.
bool Await(int fd, int16_t what, absl::Time deadline) {
  for (;;) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    pollfd source{fd, what, 0};
    const int ready = ::poll(&source, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000)));
    if (ready > 0) return true;
    if (ready == 0 && left <= 0) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

void KeepAlive(int fd) {
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

}  // namespace

Lifelines::Lifelines(NodeId self, OwnedFd listener, const LifelineAddress& address)
    : self_(self), listener_(std::move(listener)), address_(address) {}

absl::StatusOr<Lifelines> Lifelines::Listen(NodeId self, const std::string& address,
                                            uint32_t nodes) {
  LifelineAddress own;
  absl::Status found = FindAddress(address, own.ip);
  if (!found.ok()) return found;
  if (::getrandom(own.token.data(), own.token.size(), 0) !=
      static_cast<ssize_t>(own.token.size())) {
    return SetUpError("getrandom", errno);
  }
  SocketAddress local = ToSocket(own);
  OwnedFd listener(
      ::socket(local.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return SetUpError("socket", errno);
  if (::bind(listener.get(), local.get(), local.length) != 0 ||
      ::listen(listener.get(), static_cast<int>(nodes)) != 0 ||
      ::getsockname(listener.get(), local.get(), &local.length) != 0) {
    return SetUpError(absl::StrCat("listening at ", Text(own)), errno);
  }
  own.port = IsV4(own.ip) ? reinterpret_cast<sockaddr_in&>(local.storage).sin_port
                          : reinterpret_cast<sockaddr_in6&>(local.storage).sin6_port;
  return Lifelines(self, std::move(listener), own);
}

absl::Status Lifelines::Connect(std::span<const LifelineAddress> nodes, absl::Time deadline) {
  lines_.resize(nodes.size());
  for (uint32_t i = self_.value() + 1u; i < nodes.size(); ++i) {
    absl::Status status = ConnectTo(NodeId(i), nodes[i], deadline);
    if (!status.ok()) return status;
  }
  for (uint32_t missing = self_.value(); missing > 0;) {
    absl::Status status = AcceptOne(deadline);
    if (!status.ok()) return status;
    missing =
        static_cast<uint32_t>(std::count_if(lines_.begin(), lines_.begin() + self_.value(),
                                            [](const OwnedFd& line) { return line.get() < 0; }));
  }
  listener_.reset();
  return absl::OkStatus();
}

absl::Status Lifelines::ConnectTo(NodeId peer, const LifelineAddress& address,
                                  absl::Time deadline) {
  SocketAddress remote = ToSocket(address);
  const auto error = [&](int number) {
    return absl::UnavailableError(
        absl::StrCat("node ", peer.value(), " at ", Text(address),
                     " is not reached over TCP: ", std::strerror(number)));
  };
  OwnedFd line(::socket(remote.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (line.get() < 0) return SetUpError("socket", errno);
  if (::connect(line.get(), remote.get(), remote.length) != 0) {
    if (errno != EINPROGRESS) return error(errno);
    if (!Await(line.get(), POLLOUT, deadline)) {
      return absl::DeadlineExceededError(absl::StrCat(
          "node ", peer.value(), " at ", Text(address),
          " does not answer over TCP; is there a firewall, or is lifeline_address to be set?"));
    }
    int result = 0;
    socklen_t length = sizeof result;
    ::getsockopt(line.get(), SOL_SOCKET, SO_ERROR, &result, &length);
    if (result != 0) return error(result);
  }
  // A fresh connection takes these few bytes at once.
  const Hello hello{address.token, self_.value()};
  if (::send(line.get(), &hello, sizeof hello, MSG_NOSIGNAL) != sizeof hello) return error(errno);
  KeepAlive(line.get());
  lines_[peer.value()] = std::move(line);
  return absl::OkStatus();
}

absl::Status Lifelines::AcceptOne(absl::Time deadline) {
  if (!Await(listener_.get(), POLLIN, deadline)) {
    std::string missing;
    for (uint32_t i = 0; i < self_.value(); ++i) {
      if (lines_[i].get() < 0) absl::StrAppend(&missing, " ", i);
    }
    return absl::DeadlineExceededError(
        absl::StrCat("not connected over TCP from node", missing, " to ", Text(address_),
                     "; is there a firewall, or is lifeline_address to be set?"));
  }
  OwnedFd line(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (line.get() < 0) {
    if (errno == EMFILE || errno == ENFILE) return SetUpError("accept", errno);
    return absl::OkStatus();  // it went away again
  }
  // Strangers are hung up on. They get little time, because nodes say hello at once.
  Hello hello;
  const absl::Time patience = std::min(deadline, absl::Now() + absl::Seconds(2));
  if (!Await(line.get(), POLLIN, patience) ||
      ::recv(line.get(), &hello, sizeof hello, 0) != sizeof hello ||
      hello.token != address_.token || hello.node >= self_.value() ||
      lines_[hello.node].get() >= 0) {
    return absl::OkStatus();
  }
  KeepAlive(line.get());
  lines_[hello.node] = std::move(line);
  return absl::OkStatus();
}

LifelineEnd Lifelines::Look(NodeId peer) const {
  char word = 0;
  const ssize_t bytes = ::recv(fd(peer), &word, 1, MSG_DONTWAIT);
  if (bytes == 1) return word == kLeaving ? LifelineEnd::kLeft : LifelineEnd::kGaveUp;
  if (bytes == 0 || errno == ECONNRESET) return LifelineEnd::kDied;
  if (errno == EAGAIN || errno == EINTR) return LifelineEnd::kNone;
  return LifelineEnd::kLost;
}

void Lifelines::Close(NodeId peer, char word) {
  OwnedFd& line = lines_[peer.value()];
  if (line.get() < 0) return;
  ::send(line.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  line.reset();
}

void Lifelines::GiveUp(NodeId peer) { Close(peer, kGivingUp); }

void Lifelines::Leave() {
  for (uint32_t i = 0; i < lines_.size(); ++i) Close(NodeId(i), kLeaving);
}

}  // namespace farpage::transport::verbs
