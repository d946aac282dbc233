#include "runtime/bootstrap/rendezvous_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_format.h"
#include "runtime/bootstrap/unix_address.h"

namespace farpage::bootstrap {
namespace {

using std::chrono::milliseconds;
using transport::OwnedFd;

constexpr milliseconds kHelloTimeout{5000};
constexpr milliseconds kRetryPause{2};
constexpr milliseconds kAcceptPause{20};
// A killed node's socket closes a moment before the launcher can learn how the process ended.
constexpr milliseconds kExplainTimeout{250};
constexpr size_t kStrangers = 64;  // connections without Hello, beside one for each node

std::shared_ptr<const OutgoingFrame> Outgoing(std::string bytes) {
  return std::make_shared<const OutgoingFrame>(OutgoingFrame{std::move(bytes), {}});
}

absl::Status Watch(int epoll, int fd, int operation, uint32_t events) {
  epoll_event wanted{events, {.fd = fd}};
  if (epoll_ctl(epoll, operation, fd, &wanted) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "epoll_ctl");
}

}  // namespace

absl::StatusOr<std::unique_ptr<RendezvousServer>> RendezvousServer::Listen(uint32_t size) {
  const absl::StatusOr<Secret> secret = RandomSecret();
  const absl::StatusOr<Secret> name = RandomSecret();
  if (!secret.ok()) return secret.status();
  if (!name.ok()) return name.status();

  std::unique_ptr<RendezvousServer> server(new RendezvousServer(size));
  server->secret_ = *secret;
  server->address_ = absl::StrFormat("%sfarpage-%s", kUnixScheme, SecretText(*name));
  const absl::StatusOr<UnixAddress> address = ParseUnixAddress(server->address_);
  if (!address.ok()) return address.status();

  server->epoll_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  server->listener_ = OwnedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int listener = server->listener_.get();
  if (server->epoll_.get() < 0 || listener < 0 ||
      bind(listener, address->get(), address->length) != 0 ||
      listen(listener, static_cast<int>(size + kStrangers)) != 0) {
    return absl::ErrnoToStatus(errno, "rendezvous socket");
  }
  if (absl::Status ok = Watch(server->epoll_.get(), listener, EPOLL_CTL_ADD, EPOLLIN); !ok.ok()) {
    return ok;
  }
  return server;
}

RendezvousServer::Clock::time_point RendezvousServer::next_deadline() const {
  Clock::time_point next = std::min(exchange_.deadline(), accept_again_);
  for (const auto& [socket, connection] : connections_) next = std::min(next, connection->deadline);
  for (const Node& node : nodes_) next = std::min(next, node.explain_by);
  return next;
}

void RendezvousServer::Process() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == listener_.get()) {
      Accept();
      continue;
    }
    const auto found = connections_.find(event.data.fd);
    if (found == connections_.end() || found->second->closing) continue;
    Connection& connection = *found->second;
    if ((event.events & EPOLLOUT) != 0) Flush(connection);
    if ((event.events & ~uint32_t{EPOLLOUT}) != 0 && !connection.closing) Receive(connection);
  }
  RunTimers(Clock::now());
  DropClosed();
}

void RendezvousServer::Accept() {
  OwnedFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.get() < 0) {
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return;
    // No descriptor or memory is left: the connection stays readable, so look away for a moment.
    accept_again_ = Clock::now() + kAcceptPause;
    (void)Watch(epoll_.get(), listener_.get(), EPOLL_CTL_MOD, 0);
    return;
  }
  // Anybody on this host can name the socket; only this user's processes get further.
  const absl::StatusOr<uid_t> user = PeerUser(socket.get());
  const bool crowded = connections_.size() - admitted_ >= nodes_.size() + kStrangers;
  if (!user.ok() || *user != geteuid() || crowded) return;
  if (!Watch(epoll_.get(), socket.get(), EPOLL_CTL_ADD, EPOLLIN).ok()) return;
  auto connection = std::make_unique<Connection>();
  const int key = socket.get();
  connection->socket = std::move(socket);
  connection->deadline = Clock::now() + kHelloTimeout;
  connections_[key] = std::move(connection);
}

void RendezvousServer::Receive(Connection& connection) {
  bool more = true;
  while (more && !connection.closing) {
    const absl::StatusOr<bool> open =
        connection.receiver.ReceiveFrom(connection.socket.get(), more);
    if (!open.ok()) return Lost(connection, open.status());
    while (!connection.closing) {
      absl::StatusOr<std::optional<Frame>> frame = connection.receiver.Next();
      if (!frame.ok()) return Lost(connection, frame.status());
      if (!frame->has_value()) break;
      if (absl::Status ok = Handle(connection, **std::move(frame)); !ok.ok()) {
        return Lost(connection, ok);
      }
    }
    if (!*open) return Lost(connection, absl::OkStatus());
  }
}

absl::Status RendezvousServer::Handle(Connection& connection, Frame frame) {
  const bool admitted = connection.node.valid();
  if (frame.type == MessageType::kHello && !admitted) {
    const absl::StatusOr<Hello> hello = DecodeHello(frame.bytes());
    if (!hello.ok()) return hello.status();
    return Admit(connection, *hello);
  }
  if (frame.type == MessageType::kContribute && admitted) {
    absl::StatusOr<Contribute> contribute = DecodeContribute(frame.bytes());
    if (!contribute.ok()) return contribute.status();
    Contributed(connection, *std::move(contribute), std::move(frame));
    return absl::OkStatus();
  }
  if (frame.type == MessageType::kLeave && admitted && frame.payload.empty()) {
    const uint16_t node = connection.node.value();
    nodes_[node].presence = Presence::kLeft;
    Break(absl::UnavailableError(absl::StrFormat("node %d has left the cluster", node)));
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("a message out of turn");
}

absl::Status RendezvousServer::CheckHello(const Hello& hello) const {
  if (hello.version != kProtocolVersion) {
    return absl::FailedPreconditionError(
        absl::StrFormat("the launcher speaks version %d of the rendezvous protocol, this node "
                        "version %d: both must be of the same release of Farpage",
                        kProtocolVersion, hello.version));
  }
  if (!SameSecret(hello.secret, secret_)) {
    return absl::PermissionDeniedError(
        "the job secret (FARPAGE_JOB_SECRET) is not the one of this job");
  }
  if (hello.size != nodes_.size() || hello.rank >= nodes_.size()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("rank %d of %d nodes does not fit this job of %d nodes", hello.rank,
                        hello.size, nodes_.size()));
  }
  switch (nodes_[hello.rank].presence) {
    case Presence::kAbsent:
      return absl::OkStatus();
    case Presence::kJoined:
    case Presence::kLeft:
      return absl::AlreadyExistsError(
          absl::StrFormat("node %d has joined already; a process can join once", hello.rank));
    case Presence::kDead:
      break;
  }
  return absl::AlreadyExistsError(
      absl::StrFormat("node %d has died, and nobody can take its place", hello.rank));
}

absl::Status RendezvousServer::Admit(Connection& connection, const Hello& hello) {
  if (absl::Status checked = CheckHello(hello); !checked.ok()) {
    Send(connection, Outgoing(EncodeFailed(checked)));
    Close(connection);
    return absl::OkStatus();
  }
  connection.node = NodeId(hello.rank);
  connection.deadline = Clock::time_point::max();
  connection.receiver.set_max_payload_bytes(kMaxPayloadBytes);
  ++admitted_;
  nodes_[hello.rank].presence = Presence::kJoined;
  nodes_[hello.rank].connection = &connection;
  Send(connection, Outgoing(EncodeWelcome()));
  return absl::OkStatus();
}

void RendezvousServer::Contributed(Connection& connection, Contribute contribute, Frame frame) {
  if (!broken_.ok()) return Send(connection, Outgoing(EncodeFailed(broken_)));
  const absl::Status added =
      exchange_.Add(connection.node, std::move(contribute), std::move(frame.fds), Clock::now());
  if (!added.ok()) {
    Break(added);
    return Send(connection, Outgoing(EncodeFailed(broken_)));
  }
  if (!exchange_.complete()) return;
  const std::vector<std::shared_ptr<const OutgoingFrame>> parts = exchange_.TakeParts();
  for (Node& node : nodes_) {
    // A node that has taken part has read all it asked for before, so its queue is bounded.
    if (node.connection == nullptr) continue;
    for (const auto& part : parts) node.connection->to_send.Push(part);
    Flush(*node.connection);
  }
}

void RendezvousServer::Send(Connection& connection, std::shared_ptr<const OutgoingFrame> frame) {
  if (connection.closing) return;
  // An exchange's parts and everybody's death: more can only wait for a node that does not read.
  if (connection.to_send.size() > 2 * nodes_.size() + 16) {
    return Lost(connection, absl::ResourceExhaustedError("it does not read what it asked for"));
  }
  const bool first = connection.to_send.size() == 0;
  connection.to_send.Push(std::move(frame));
  if (first) Flush(connection);
}

void RendezvousServer::Flush(Connection& connection) {
  const absl::StatusOr<SendQueue::Progress> sent =
      connection.to_send.Flush(connection.socket.get());
  // A broken socket shows when it is read, after what the node has still said.
  const SendQueue::Progress progress = sent.value_or(SendQueue::Progress::kEmpty);
  const bool wait = progress == SendQueue::Progress::kSocket;
  if (connection.node.valid()) {
    connection.deadline = progress == SendQueue::Progress::kLittleLater ? Clock::now() + kRetryPause
                                                                        : Clock::time_point::max();
  }
  (void)Watch(epoll_.get(), connection.socket.get(), EPOLL_CTL_MOD,
              wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void RendezvousServer::Lost(Connection& connection, const absl::Status& why) {
  if (connection.closing) return;
  const NodeId id = connection.node;
  Close(connection);
  if (!id.valid()) return;
  Node& node = nodes_[id.value()];
  if (node.presence != Presence::kJoined) return;
  if (why.ok()) {
    node.explain_by = Clock::now() + kExplainTimeout;
  } else {
    DeclareDead(id,
                absl::StrFormat("node %d was cut off: %s", id.value(), std::string(why.message())));
  }
}

void RendezvousServer::Close(Connection& connection) {
  connection.closing = true;
  connection.deadline = Clock::time_point::max();
  if (!connection.node.valid()) return;
  nodes_[connection.node.value()].connection = nullptr;
  --admitted_;
}

void RendezvousServer::DropClosed() {
  std::erase_if(connections_, [](const auto& entry) { return entry.second->closing; });
}

void RendezvousServer::RunTimers(Clock::time_point now) {
  if (exchange_.deadline() <= now) {
    std::vector<bool> joined;
    for (const Node& node : nodes_) joined.push_back(node.presence == Presence::kJoined);
    Break(exchange_.Missed(joined));
  }
  if (accept_again_ <= now) {
    accept_again_ = Clock::time_point::max();
    (void)Watch(epoll_.get(), listener_.get(), EPOLL_CTL_MOD, EPOLLIN);
  }
  for (const auto& [socket, connection] : connections_) {
    if (connection->deadline > now || connection->closing) continue;
    if (connection->node.valid()) {
      Flush(*connection);
    } else {
      Close(*connection);
    }
  }
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].explain_by > now) continue;
    DeclareDead(NodeId(i),
                absl::StrFormat("node %d closed its connection without leaving the cluster", i));
  }
}

void RendezvousServer::Break(absl::Status why) {
  if (!broken_.ok()) return;
  broken_ = std::move(why);
  const std::vector<NodeId> waiting(exchange_.waiting().begin(), exchange_.waiting().end());
  (void)exchange_.TakeParts();
  const auto frame = Outgoing(EncodeFailed(broken_));
  for (NodeId node : waiting) {
    if (nodes_[node.value()].connection != nullptr) {
      Send(*nodes_[node.value()].connection, frame);
    }
  }
}

void RendezvousServer::DeclareDead(NodeId id, const std::string& reason) {
  Node& node = nodes_[id.value()];
  if (node.presence == Presence::kDead) return;
  node.presence = Presence::kDead;
  node.explain_by = Clock::time_point::max();
  Break(absl::UnavailableError(reason));
  const auto frame = Outgoing(EncodeDeath({id, reason}));
  for (const Node& other : nodes_) {
    if (other.presence == Presence::kJoined && other.connection != nullptr) {
      Send(*other.connection, frame);
    }
  }
}

void RendezvousServer::NodeEnded(NodeId id, const ProcessEnd& end) {
  Node& node = nodes_[id.value()];
  if (node.connection != nullptr) Receive(*node.connection);
  if (node.connection != nullptr) Close(*node.connection);
  if (node.presence == Presence::kJoined || node.presence == Presence::kAbsent) {
    std::string reason = absl::StrFormat("node %d %s", id.value(), DescribeEnd(end));
    if (end.kind == ProcessEnd::Kind::kExited) {
      reason +=
          node.presence == Presence::kAbsent ? " before it joined" : " without leaving the cluster";
    }
    DeclareDead(id, reason);
  }
  DropClosed();
}

}  // namespace farpage::bootstrap
