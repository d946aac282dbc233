#include "runtime/bootstrap/rendezvous_client.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "runtime/bootstrap/unix_address.h"

namespace farpage::bootstrap {
namespace {

using transport::Contribution;
using transport::OwnedFd;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The launcher knows the deadline too, and answers with the names of the missing. This is how much
// longer a node waits for that answer before it gives up on the launcher as well.
constexpr milliseconds kAnswerSlack{1000};
constexpr milliseconds kRetryPause{2};

Clock::time_point FromWallClock(absl::Time deadline) {
  const absl::Duration left =
      std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Milliseconds(kMaxTimeoutMs));
  return Clock::now() + absl::ToChronoNanoseconds(left);
}

int PollTimeout(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, kMaxTimeoutMs));
}

void Signal(const OwnedFd& event) {
  const uint64_t one = 1;
  // Can only fail when the counter is full, and then the event is set already.
  [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof(one));
}

void Clear(const OwnedFd& event) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event.get(), &count, sizeof(count));
}

absl::Status LauncherGone() {
  return absl::UnavailableError("the launcher (farpage run) that started this node has ended");
}

std::shared_ptr<const OutgoingFrame> Outgoing(std::string bytes, std::vector<OwnedFd> fds = {}) {
  return std::make_shared<const OutgoingFrame>(OutgoingFrame{std::move(bytes), std::move(fds)});
}

}  // namespace

RendezvousClient::RendezvousClient(NodeId self, uint32_t size)
    : self_(self), size_(size), receiver_(kMaxPayloadBytes), news_(size) {}

absl::StatusOr<std::unique_ptr<RendezvousClient>> RendezvousClient::Connect(
    const NodeOptions& node, absl::Time wall_deadline) {
  if (node.size == 0 || node.size > kMaxNodes || node.rank >= node.size) {
    return absl::InvalidArgumentError(
        absl::StrFormat("rank %d of %d nodes makes no sense", node.rank, node.size));
  }
  const Clock::time_point deadline = FromWallClock(wall_deadline);
  std::unique_ptr<RendezvousClient> client(new RendezvousClient(NodeId(node.rank), node.size));
  if (absl::Status ok = client->MakeEvents(); !ok.ok()) return ok;
  if (absl::Status ok = client->Open(node, deadline); !ok.ok()) return ok;
  if (absl::Status ok = client->BeAdmitted(node, deadline); !ok.ok()) return ok;
  return client;
}

absl::Status RendezvousClient::MakeEvents() {
  exchange_event_ = OwnedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  death_event_ = OwnedFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  event_ = OwnedFd(epoll_create1(EPOLL_CLOEXEC));
  socket_ = OwnedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  for (const OwnedFd* fd : {&exchange_event_, &death_event_, &event_, &socket_}) {
    if (fd->get() < 0) return absl::ErrnoToStatus(errno, "descriptors for the rendezvous");
  }
  for (const OwnedFd* fd : {&death_event_, &socket_}) {
    epoll_event wanted{EPOLLIN, {.fd = fd->get()}};
    if (epoll_ctl(event_.get(), EPOLL_CTL_ADD, fd->get(), &wanted) != 0) {
      return absl::ErrnoToStatus(errno, "epoll_ctl");
    }
  }
  return absl::OkStatus();
}

absl::Status RendezvousClient::Open(const NodeOptions& node, Clock::time_point deadline) {
  const absl::StatusOr<UnixAddress> address = ParseUnixAddress(node.rendezvous);
  if (!address.ok()) return address.status();
  while (connect(socket_.get(), address->get(), address->length) != 0) {
    if (errno == ECONNREFUSED) return LauncherGone();
    if (errno != EAGAIN && errno != EINTR) return absl::ErrnoToStatus(errno, "connect");
    // The launcher's queue of connections is full, for as long as it takes to accept some.
    if (Clock::now() >= deadline) {
      return absl::DeadlineExceededError("the launcher does not accept connections");
    }
    poll(nullptr, 0, static_cast<int>(kRetryPause.count()));
  }
  // Whoever listens there is shown the secret next.
  const absl::StatusOr<uid_t> user = PeerUser(socket_.get());
  if (!user.ok()) return user.status();
  if (*user != geteuid()) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "%s belongs to user %d, and this node runs as user %d", node.rendezvous, *user, geteuid()));
  }
  return absl::OkStatus();
}

absl::Status RendezvousClient::BeAdmitted(const NodeOptions& node, Clock::time_point deadline) {
  const std::optional<Secret> secret = ParseSecret(node.job_secret);
  if (!secret) {
    return absl::InvalidArgumentError(
        "FARPAGE_JOB_SECRET should be 32 hexadecimal digits, as farpage run writes it");
  }
  Hold lock(mutex_);
  Hello hello;
  hello.secret = *secret;
  hello.rank = node.rank;
  hello.size = node.size;
  to_send_.Push(Outgoing(EncodeHello(hello)));
  while (true) {
    TakeIn();
    if (!news_.broken().ok()) return news_.broken();
    if (news_.admitted()) return absl::OkStatus();
    const SendQueue::Progress sending = sending_;
    mutex_.unlock();
    const bool in_time = WaitForExchange(sending, deadline);
    mutex_.lock();
    if (!in_time) return absl::DeadlineExceededError("the launcher does not answer");
  }
}

absl::StatusOr<std::vector<Contribution>> RendezvousClient::AllGather(std::string_view key,
                                                                      Contribution mine,
                                                                      absl::Time wall_deadline) {
  const Clock::time_point deadline = FromWallClock(wall_deadline);
  Hold lock(mutex_);
  if (absl::Status begun = Begin(key, std::move(mine), deadline - Clock::now()); !begun.ok()) {
    return begun;
  }
  while (true) {
    TakeIn();
    if (news_.exchange_over()) break;
    const SendQueue::Progress sending = sending_;
    mutex_.unlock();
    const bool in_time = WaitForExchange(sending, deadline + kAnswerSlack);
    mutex_.lock();
    if (!in_time && !news_.exchange_over()) {
      news_.Break(absl::DeadlineExceededError(
          absl::StrFormat("the launcher did not answer in exchange '%s'", key)));
    }
  }
  return news_.EndExchange();
}

absl::Status RendezvousClient::Begin(std::string_view key, Contribution mine,
                                     Clock::duration timeout) {
  if (news_.exchanging()) return absl::FailedPreconditionError("another thread is in AllGather()");
  if (left_) return absl::FailedPreconditionError("AllGather() after Leave()");
  if (key.size() > kMaxKeyBytes || mine.bytes.size() > kMaxContributionBytes ||
      mine.fds.size() > kMaxContributionFds) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "exchange '%s': key of %d bytes, contribution of %d bytes and %d descriptors; at most %d, "
        "%d and %d are allowed",
        key.substr(0, kMaxKeyBytes), key.size(), mine.bytes.size(), mine.fds.size(), kMaxKeyBytes,
        kMaxContributionBytes, kMaxContributionFds));
  }
  TakeIn();
  if (!news_.broken().ok()) return news_.broken();
  Clear(exchange_event_);
  news_.BeginExchange();
  Contribute contribute{std::string(key), 0, std::move(mine.bytes)};
  contribute.timeout_ms =
      static_cast<uint32_t>(std::max<int64_t>(std::chrono::ceil<milliseconds>(timeout).count(), 0));
  const auto fds = static_cast<uint8_t>(mine.fds.size());
  to_send_.Push(Outgoing(EncodeContribute(contribute, fds), std::move(mine.fds)));
  return absl::OkStatus();
}

bool RendezvousClient::WaitForExchange(SendQueue::Progress sending, Clock::time_point deadline) {
  const bool writable = sending == SendQueue::Progress::kSocket;
  pollfd wanted[] = {{socket_.get(), static_cast<int16_t>(writable ? POLLIN | POLLOUT : POLLIN), 0},
                     {exchange_event_.get(), POLLIN, 0}};
  Clock::time_point wake = deadline;
  if (sending == SendQueue::Progress::kLittleLater) {
    wake = std::min(wake, Clock::now() + kRetryPause);
  }
  poll(wanted, std::size(wanted), PollTimeout(wake));
  return Clock::now() < deadline;
}

void RendezvousClient::TakeIn() {
  if (!open_) return;
  const bool was_over = news_.exchange_over();
  const size_t deaths = news_.deaths();
  ReadAndSend();
  if (!was_over && news_.exchange_over()) Signal(exchange_event_);
  if (news_.deaths() != deaths) Signal(death_event_);
}

void RendezvousClient::ReadAndSend() {
  bool more = true;
  absl::StatusOr<bool> open = true;
  while (open.ok() && *open && more) {
    open = receiver_.ReceiveFrom(socket_.get(), more);
    while (open.ok()) {
      absl::StatusOr<std::optional<Frame>> frame = receiver_.Next();
      if (!frame.ok()) {
        open = frame.status();
        break;
      }
      if (!frame->has_value()) break;
      if (absl::Status ok = news_.Take(**std::move(frame)); !ok.ok()) open = ok;
    }
  }
  // Only now: what the launcher said before it went is worth more than that it went.
  if (open.ok() && *open) {
    const absl::StatusOr<SendQueue::Progress> sent = to_send_.Flush(socket_.get());
    sending_ = sent.value_or(SendQueue::Progress::kEmpty);
    open = sent.ok();
  }
  if (open.ok() && *open) return;
  open_ = false;
  // A socket at its end stays readable for ever.
  epoll_ctl(event_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
  const absl::Status why = open.ok() ? LauncherGone() : open.status();
  news_.Break(why);
  if (!left_ && news_.admitted()) news_.AddDeath({NodeId::None(), std::string(why.message())});
}

std::vector<PeerDeath> RendezvousClient::TakeDeaths() {
  Hold lock(mutex_);
  TakeIn();
  Clear(death_event_);
  return news_.TakeDeaths();
}

void RendezvousClient::Leave() {
  Hold lock(mutex_);
  if (left_ || !open_) return;
  left_ = true;
  to_send_.Push(Outgoing(EncodeLeave()));
  // A few bytes into a socket that is otherwise idle. Were it full, the launcher would take this
  // node for dead, which is no worse than the truth about such a launcher.
  TakeIn();
}

}  // namespace farpage::bootstrap
