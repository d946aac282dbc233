#include "transport/shm/connect.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/sanitizers.h"
#include "transport/shm/set_up_error.h"

namespace farpage::transport::shm {
namespace {

constexpr uint64_t kTebibyte = uint64_t{1} << 40;
constexpr uint32_t kMaxMailboxSlots = 65'536;

// The order of descriptors in a contribution.
enum : size_t { kSegmentFd, kDoorbellFd, kLifelineFd, kFds };

absl::Status At(NodeId node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("shm transport, node ", node.value(), ": ", status.message()));
}

uint64_t SegmentBytes(const ShmOptions& options, uint32_t nodes) {
  const uint64_t header = ArenaOffset(nodes, options.mailbox_slots);
  if (options.reserve_bytes != 0) return header + RoundUpToPages(options.reserve_bytes);
#if defined(FARPAGE_SANITIZED)
  // Sanitizers leave little address space.
  return header + std::min(kTebibyte / 128, kTebibyte / 8 / nodes / kPageBytes * kPageBytes);
#else
  return header + std::min(kTebibyte, 16 * kTebibyte / nodes / kPageBytes * kPageBytes);
#endif
}

absl::Status CheckOptions(const ShmOptions& options, const Rendezvous& rendezvous) {
  if (!rendezvous.carries_fds()) {
    return absl::FailedPreconditionError(
        "the nodes are not all on one host; choose the verbs transport");
  }
  if (!std::has_single_bit(options.mailbox_slots) || options.mailbox_slots > kMaxMailboxSlots) {
    return absl::InvalidArgumentError(absl::StrCat("mailbox_slots is ", options.mailbox_slots,
                                                   ", not a power of two up to ",
                                                   kMaxMailboxSlots));
  }
  if (options.reserve_bytes > 64 * kTebibyte) {
    return absl::InvalidArgumentError(
        absl::StrCat("reserve_bytes is ", options.reserve_bytes, ", more than 64 TiB"));
  }
  if (options.look_interval_ms == 0) {
    return absl::InvalidArgumentError("look_interval_ms is 0, it must be at least 1");
  }
  return absl::OkStatus();
}

// Exchanges contributions, or errors in their place. Fails on all nodes if it failed on one.
absl::StatusOr<std::vector<Contribution>> Exchange(Rendezvous& rendezvous, std::string_view key,
                                                   absl::StatusOr<Contribution> mine,
                                                   absl::Time deadline) {
  Contribution sent;
  if (mine.ok()) {
    sent = *std::move(mine);
  } else {
    const absl::Status why = At(rendezvous.self(), mine.status());
    sent.bytes = absl::StrCat(std::string(1, static_cast<char>(why.code())), why.message());
  }
  absl::StatusOr<std::vector<Contribution>> all =
      rendezvous.AllGather(key, std::move(sent), deadline);
  if (!all.ok()) return all.status();
  for (size_t node = 0; node < all->size(); ++node) {
    const std::string& error = (*all)[node].bytes;
    if (error.empty()) continue;
    const auto code = static_cast<absl::StatusCode>(error[0]);
    if (code == absl::StatusCode::kOk || error.size() == 1) {
      return absl::InternalError(absl::StrCat("node ", node, " failed and does not say why"));
    }
    return absl::Status(code, error.substr(1));
  }
  return all;
}

absl::StatusOr<Contribution> MakeOwn(const Rendezvous& rendezvous, const ShmOptions& options,
                                     Connection& connection) {
  absl::Status valid = CheckOptions(options, rendezvous);
  if (!valid.ok()) return valid;
  const uint32_t nodes = rendezvous.size();
  absl::StatusOr<std::shared_ptr<OwnSegment>> own = OwnSegment::Create(
      rendezvous.self(), nodes, options.mailbox_slots, SegmentBytes(options, nodes));
  if (!own.ok()) return own.status();
  absl::StatusOr<Lifeline> lifeline = MakeLifeline(options.lifeline_by_pipe);
  if (!lifeline.ok()) return lifeline.status();
  OwnedFd doorbell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (doorbell.get() < 0) return SetUpError("eventfd");
  OwnedFd segment(::fcntl((*own)->fd(), F_DUPFD_CLOEXEC, 0));
  if (segment.get() < 0) return SetUpError("fcntl");

  connection.own = *std::move(own);
  connection.lifeline = std::move(lifeline->kept);
  Contribution mine;
  mine.fds.resize(kFds);
  mine.fds[kSegmentFd] = std::move(segment);
  mine.fds[kDoorbellFd] = std::move(doorbell);
  mine.fds[kLifelineFd] = std::move(lifeline->given);
  return mine;
}

absl::Status CheckHeader(const SegmentHeader& header, uint64_t file_bytes, NodeId owner,
                         uint32_t nodes, uint32_t slots) {
  if (header.magic != kMagic || header.version != kLayoutVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("node ", owner.value(), " runs another build of this library (layout ",
                     header.version, ", here ", kLayoutVersion, ")"));
  }
  if (header.nodes != nodes || header.node != owner.value() || header.bytes != file_bytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the segment of node ", owner.value(), " says node ", header.node, " of ",
                     header.nodes, ", ", header.bytes, " bytes; expected node ", owner.value(),
                     " of ", nodes, ", ", file_bytes, " bytes"));
  }
  if (header.mailbox_slots == slots && file_bytes < ArenaOffset(nodes, slots)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the segment of node ", owner.value(), " has only ", file_bytes, " bytes"));
  }
  if (header.mailbox_slots != slots) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mailbox_slots is ", slots, ", but ", header.mailbox_slots, " on node ", owner.value()));
  }
  return absl::OkStatus();
}

absl::Status MapPeer(NodeId id, Contribution& from, uint32_t nodes, uint32_t slots, Peer& peer) {
  struct stat file {};
  if (::fstat(from.fds[kSegmentFd].get(), &file) != 0) return SetUpError("fstat");
  const auto bytes = static_cast<uint64_t>(file.st_size);
  if (bytes < ArenaOffset(nodes, 1)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the segment of node ", id.value(), " has only ", bytes, " bytes"));
  }
  // Else its owner could pull memory from under this node.
  const int seals = ::fcntl(from.fds[kSegmentFd].get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the segment of node ", id.value(), " can be cut short"));
  }
  absl::StatusOr<Mapping> mapping = Mapping::Map(from.fds[kSegmentFd].get(), bytes);
  if (!mapping.ok()) return mapping.status();
  peer.mapping = *std::move(mapping);
  peer.segment = peer.mapping.segment();
  return CheckHeader(peer.segment.header(), bytes, id, nodes, slots);
}

absl::Status ConnectPeers(NodeId self, const ShmOptions& options, std::vector<Contribution>& all,
                          Connection& connection) {
  absl::StatusOr<std::unique_ptr<PeerWatch>> watch = PeerWatch::Create();
  if (!watch.ok()) return watch.status();
  const auto nodes = static_cast<uint32_t>(all.size());
  auto peers = std::make_unique<Peer[]>(nodes);
  for (uint32_t i = 0; i < nodes; ++i) {
    const NodeId id(i);
    if (all[i].fds.size() != kFds) {
      return absl::FailedPreconditionError(
          absl::StrCat("node ", i, " sent ", all[i].fds.size(), " descriptors, not ", +kFds));
    }
    peers[i].doorbell = std::move(all[i].fds[kDoorbellFd]);
    if (id == self) {
      peers[i].segment = connection.own->segment();
      continue;
    }
    absl::Status status = MapPeer(id, all[i], nodes, options.mailbox_slots, peers[i]);
    if (status.ok()) status = (*watch)->Add(id, std::move(all[i].fds[kLifelineFd]));
    if (!status.ok()) return status;
  }
  connection.peers = std::make_unique<Peers>(self, std::move(peers), nodes, *std::move(watch),
                                             options.look_interval_ms * int64_t{1'000'000});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Connection> Connect(Rendezvous& rendezvous, const ShmOptions& options,
                                   absl::Time deadline) {
  const NodeId self = rendezvous.self();
  Connection connection;
  absl::StatusOr<Contribution> mine = MakeOwn(rendezvous, options, connection);
  absl::StatusOr<std::vector<Contribution>> all =
      Exchange(rendezvous, "transport/shm/segments", std::move(mine), deadline);
  if (!all.ok()) return all.status();

  const absl::Status mapped = ConnectPeers(self, options, *all, connection);
  all->clear();  // their descriptors: mappings stay
  absl::StatusOr<Contribution> done = Contribution{};
  if (!mapped.ok()) done = mapped;
  absl::StatusOr<std::vector<Contribution>> ready =
      Exchange(rendezvous, "transport/shm/mapped", std::move(done), deadline);
  if (!ready.ok()) return ready.status();
  return connection;
}

}  // namespace farpage::transport::shm
