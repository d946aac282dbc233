#include "transport/verbs/connect.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/verbs/control_memory.h"
#include "transport/verbs/errors.h"
#include "transport/verbs/introduction.h"

namespace farpage::transport::verbs {
namespace {

constexpr uint32_t kMinSendDepth = 16;
constexpr uint32_t kMaxSendDepth = 4096;
constexpr uint32_t kMinSlots = 8;
constexpr uint32_t kMaxSlots = 1024;
constexpr uint32_t kDefaultSlots = 64;
// Entries of a completion queue that every device is taken to have.
constexpr uint32_t kCommonQueueEntries = 32'767;

absl::Status CheckOptions(const VerbsOptions& options) {
  const uint32_t depth = options.send_queue_depth;
  if (depth < kMinSendDepth || depth > kMaxSendDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("send_queue_depth is ", depth, ", not ", kMinSendDepth, " … ", kMaxSendDepth));
  }
  const uint32_t slots = options.mailbox_slots;
  if (slots != 0 && (!std::has_single_bit(slots) || slots < kMinSlots || slots > kMaxSlots)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "mailbox_slots is ", slots, ", not a power of two ", kMinSlots, " … ", kMaxSlots));
  }
  if (options.retries > 7) {
    return absl::InvalidArgumentError(absl::StrCat("retries is ", options.retries, ", not 0 … 7"));
  }
  if (options.ack_timeout < absl::Microseconds(5) || options.ack_timeout > absl::Minutes(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ack_timeout is ", absl::FormatDuration(options.ack_timeout), ", not 5us … 1m"));
  }
  return absl::OkStatus();
}

// Chooses the depths of the queues: each must fit, and all of a kind share a completion queue.
absl::Status ChooseDepths(const VerbsOptions& options, uint32_t nodes, Connection& connection) {
  const ibv_device_attr& device = connection.device->attributes();
  const auto entries = static_cast<uint32_t>(device.max_cqe);
  const auto requests = static_cast<uint32_t>(device.max_qp_wr);
  const auto too_small = [&](std::string_view queue, uint32_t needed, uint32_t has) {
    return absl::ResourceExhaustedError(absl::StrCat(
        connection.device->name(), ": ", std::string(queue), " for ", nodes, " nodes needs ",
        needed, " entries, the device has ", has, "; use fewer nodes or smaller mailbox_slots"));
  };

  const uint32_t depth = std::min({options.send_queue_depth, requests, entries / nodes});
  if (depth < kMinSendDepth) {
    return too_small("the send completion queue", kMinSendDepth * nodes, entries);
  }
  connection.depths.send = std::bit_floor(depth);
  connection.depths.inline_bytes =
      std::min(options.inline_bytes, static_cast<uint32_t>(kLineBytes));

  // The same on all nodes, so it depends on nothing but their number.
  const uint32_t fitting = kCommonQueueEntries / nodes * 4 / 9;
  connection.mailbox_slots =
      options.mailbox_slots != 0
          ? options.mailbox_slots
          : std::max(kMinSlots, std::bit_floor(std::min(kDefaultSlots, fitting)));
  connection.depths.receive = Inboxes::ReceiveDepth(connection.mailbox_slots);
  const uint32_t needed = connection.depths.receive * nodes;
  if (needed > entries) return too_small("the receive completion queue", needed, entries);
  return absl::OkStatus();
}

absl::Status MakeNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return SetUpError("fcntl", errno);
  }
  return absl::OkStatus();
}

absl::Status MakeQueues(uint32_t nodes, Connection& connection) {
  ibv_context* const context = connection.device->context();
  connection.channel.reset(ibv_create_comp_channel(context));
  if (!connection.channel) return SetUpError("ibv_create_comp_channel", errno);
  for (const int fd : {connection.channel->fd, context->async_fd}) {
    absl::Status status = MakeNonBlocking(fd);
    if (!status.ok()) return status;
  }
  const auto make = [&](CompletionQueueHandle& queue, uint32_t entries) {
    queue.reset(
        ibv_create_cq(context, static_cast<int>(entries), nullptr, connection.channel.get(), 0));
    if (queue) return absl::OkStatus();
    return SetUpError(absl::StrCat("ibv_create_cq with ", entries, " entries"), errno);
  };
  absl::Status status = make(connection.sends, connection.depths.send * nodes);
  if (status.ok()) status = make(connection.receives, connection.depths.receive * nodes);
  for (uint32_t i = 0; i < nodes && status.ok(); ++i) {
    absl::StatusOr<QueuePair> pair = QueuePair::Create(
        *connection.device, connection.sends.get(), connection.receives.get(), connection.depths);
    status = pair.status();
    if (pair.ok()) connection.pairs.push_back(*std::move(pair));
  }
  return status;
}

uint32_t ScratchLines(const Connection& connection) {
  return connection.depths.inline_bytes < kMessageBytes ? connection.depths.send : 0;
}

// Everything that can be made without the others.
absl::StatusOr<std::string> Prepare(const Rendezvous& rendezvous, const VerbsOptions& options,
                                    Connection& connection) {
  const uint32_t nodes = rendezvous.size();
  absl::Status status = CheckOptions(options);
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<const Device>> device = Device::Open(options);
  if (!device.ok()) return device.status();
  connection.device = *std::move(device);
  status = ChooseDepths(options, nodes, connection);
  if (status.ok()) status = MakeQueues(nodes, connection);
  if (!status.ok()) return status;

  const ControlLayout layout(nodes, connection.mailbox_slots, ScratchLines(connection));
  absl::StatusOr<std::unique_ptr<RegisteredMemory>> control =
      RegisteredMemory::Allocate(connection.device, layout.bytes(), "mailboxes");
  if (!control.ok()) return control.status();
  connection.control = *std::move(control);

  const PortChoice& port = connection.device->port();
  absl::StatusOr<Lifelines> lifelines =
      Lifelines::Listen(rendezvous.self(),
                        options.lifeline_address.empty() && port.roce ? AddressOf(port.gid)
                                                                      : options.lifeline_address,
                        nodes);
  if (!lifelines.ok()) return lifelines.status();
  connection.lifelines = *std::move(lifelines);

  Introduction own;
  own.node.nodes = nodes;
  own.node.mailbox_slots = connection.mailbox_slots;
  own.node.port = AddressOf(*connection.device);
  own.node.lifeline = connection.lifelines->address();
  own.node.control = connection.control->remote();
  for (const QueuePair& pair : connection.pairs) own.pairs.push_back(pair.address());
  return Serialize(own);
}

// The part that does not depend on the others' answers.
absl::Status MakeParts(uint32_t nodes, Connection& connection) {
  absl::StatusOr<std::unique_ptr<Wakeups>> wakeups = Wakeups::Create();
  if (!wakeups.ok()) return wakeups.status();
  connection.wakeups = *std::move(wakeups);
  connection.peers = std::make_unique<Peers>(nodes, connection.wakeups.get());
  connection.completions = std::make_unique<Completions>(connection.sends.get());
  connection.inboxes =
      std::make_unique<Inboxes>(connection.receives.get(), connection.mailbox_slots,
                                connection.peers.get(), connection.wakeups.get());
  return absl::OkStatus();
}

std::unique_ptr<SendQueue> MakeSendQueue(NodeId self, NodeId peer, const RemoteAddress& remote,
                                         Connection& connection) {
  const uint32_t nodes = connection.peers->count();
  const uint32_t scratch_lines = ScratchLines(connection);
  const ControlLayout layout(nodes, connection.mailbox_slots, scratch_lines);
  std::byte* const control = connection.control->data();

  SmallData small;
  small.inline_bytes = connection.depths.inline_bytes;
  small.scratch = control + (scratch_lines != 0 ? layout.scratch(peer, 0) : 0);
  small.scratch_mask = scratch_lines - 1;
  small.scratch_key = connection.control->local_key();
  small.dump = control + ControlLayout::dump();

  Outbox outbox;
  outbox.slots = remote + layout.slot(self, 0);
  outbox.credits = remote + ControlLayout::credits(self);
  outbox.returned =
      reinterpret_cast<std::atomic<uint64_t>*>(control + ControlLayout::credits(peer));
  outbox.slot_count = connection.mailbox_slots;

  const SendLimits limits{connection.depths.send, connection.device->port().max_message_bytes};
  return std::make_unique<SendQueue>(peer, connection.pairs[peer.value()].get(), limits, small,
                                     outbox, connection.peers.get(), connection.completions.get());
}

absl::Status ConnectPeers(NodeId self, const VerbsOptions& options,
                          const std::vector<std::string>& all, absl::Time deadline,
                          Connection& connection) {
  const auto nodes = static_cast<uint32_t>(all.size());
  absl::Status status = MakeParts(nodes, connection);
  const ControlLayout layout(nodes, connection.mailbox_slots, 0);
  std::vector<LifelineAddress> lifelines;
  for (uint32_t i = 0; i < nodes && status.ok(); ++i) {
    const NodeId peer(i);
    absl::StatusOr<Introduction> other = Parse(peer, all[i], nodes, connection.mailbox_slots);
    if (!other.ok()) return other.status();
    lifelines.push_back(other->node.lifeline);
    QueuePair& pair = connection.pairs[i];
    status = connection.inboxes->Add(pair.get(), connection.control->data() + layout.slot(peer, 0));
    if (!status.ok()) return status;
    status =
        pair.Connect(*connection.device, options, other->node.port, other->pairs[self.value()]);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("connecting to node ", i, ": ", status.message()));
    }
    connection.send_queues.push_back(MakeSendQueue(self, peer, other->node.control, connection));
  }
  if (!status.ok()) return status;
  connection.completions->SetQueues(connection.send_queues);
  connection.inboxes->SetQueues(connection.send_queues);
  return connection.lifelines->Connect(lifelines, deadline);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connect(Rendezvous& rendezvous,
                                                    const VerbsOptions& options,
                                                    absl::Time deadline) {
  auto connection = std::make_unique<Connection>();
  const absl::StatusOr<std::vector<std::string>> all = Exchange(
      rendezvous, "transport/verbs/addresses", Prepare(rendezvous, options, *connection), deadline);
  if (!all.ok()) return all.status();
  const absl::Status connected =
      ConnectPeers(rendezvous.self(), options, *all, deadline, *connection);
  absl::StatusOr<std::string> done = std::string();
  if (!connected.ok()) done = connected;
  const absl::StatusOr<std::vector<std::string>> ready =
      Exchange(rendezvous, "transport/verbs/connected", done, deadline);
  if (!ready.ok()) return ready.status();
  return connection;
}

}  // namespace farpage::transport::verbs
