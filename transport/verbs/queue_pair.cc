#include "transport/verbs/queue_pair.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

constexpr uint32_t kPacketNumbers = 1u << 24;

// n such that a packet is awaited 4.096 µs × 2ⁿ.
uint8_t TimeoutExponent(absl::Duration timeout) {
  uint8_t exponent = 1;
  while (exponent < 31 && absl::Nanoseconds(4096) * (int64_t{1} << exponent) < timeout) ++exponent;
  return exponent;
}

ibv_ah_attr RouteTo(const PortChoice& from, const VerbsOptions& options, const PortAddress& to) {
  ibv_ah_attr route{};
  route.port_num = from.port;
  route.sl = options.service_level;
  route.dlid = to.lid;
  // RoCE has nothing but the GID. InfiniBand needs it only between subnets.
  if (from.roce || from.gid.global.subnet_prefix != to.gid.global.subnet_prefix) {
    route.is_global = 1;
    route.grh.dgid = to.gid;
    route.grh.sgid_index = from.gid_index;
    route.grh.hop_limit = 64;
    route.grh.traffic_class = options.traffic_class;
  }
  return route;
}

absl::Status Modify(ibv_qp* pair, ibv_qp_attr& attributes, int mask, std::string_view state) {
  const int error = ibv_modify_qp(pair, &attributes, mask);
  if (error == 0) return absl::OkStatus();
  return SetUpError(absl::StrCat("ibv_modify_qp to ", std::string(state)), error);
}

}  // namespace

PortAddress AddressOf(const Device& device) {
  const PortChoice& port = device.port();
  PortAddress address;
  address.gid = port.gid;
  address.lid = port.lid;
  address.roce = port.roce ? 1 : 0;
  address.mtu = static_cast<uint8_t>(port.mtu);
  address.read_depth =
      static_cast<uint8_t>(std::min<int>(kReadDepth, device.attributes().max_qp_rd_atom));
  return address;
}

QueuePair::QueuePair(QueuePairHandle handle, uint32_t first_packet)
    : handle_(std::move(handle)), first_packet_(first_packet) {}

absl::StatusOr<QueuePair> QueuePair::Create(const Device& device, ibv_cq* sends, ibv_cq* receives,
                                            QueueDepths& depths) {
  ibv_qp_init_attr wanted{};
  wanted.send_cq = sends;
  wanted.recv_cq = receives;
  wanted.qp_type = IBV_QPT_RC;
  QueuePairHandle handle;
  // Devices do not tell how much fits into a work request: try.
  for (uint32_t inline_bytes = depths.inline_bytes;; inline_bytes /= 2) {
    wanted.cap = {depths.send, depths.receive, 1, 1, inline_bytes};
    handle.reset(ibv_create_qp(device.domain(), &wanted));
    if (handle || errno != EINVAL || inline_bytes == 0) break;
  }
  if (!handle) {
    return SetUpError(absl::StrCat("ibv_create_qp with ", depths.send, " send and ", depths.receive,
                                   " receive requests"),
                      errno);
  }
  depths.inline_bytes = std::min(depths.inline_bytes, wanted.cap.max_inline_data);

  ibv_qp_attr init{};
  init.qp_state = IBV_QPS_INIT;
  init.port_num = device.port().port;
  init.qp_access_flags =
      IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC;
  absl::Status status =
      Modify(handle.get(), init,
             IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, "INIT");
  if (!status.ok()) return status;

  uint32_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) {
    return SetUpError("getrandom", errno);
  }
  return QueuePair(std::move(handle), random % kPacketNumbers);
}

absl::Status QueuePair::Connect(const Device& device, const VerbsOptions& options,
                                const PortAddress& port, const QueuePairAddress& peer) {
  const PortChoice& own = device.port();
  if ((port.roce != 0) != own.roce) {
    return absl::FailedPreconditionError("one port is InfiniBand, the other RoCE");
  }
  ibv_qp_attr receive{};
  receive.qp_state = IBV_QPS_RTR;
  receive.ah_attr = RouteTo(own, options, port);
  receive.path_mtu = static_cast<ibv_mtu>(std::min<int>(own.mtu, port.mtu));
  receive.dest_qp_num = peer.number;
  receive.rq_psn = peer.first_packet;
  receive.max_dest_rd_atomic = AddressOf(device).read_depth;
  receive.min_rnr_timer = 12;  // 0.64 ms
  absl::Status status =
      Modify(get(), receive,
             IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                 IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
             absl::StrCat("RTR (GID ", AddressOf(port.gid), ", LID ", port.lid, ")"));
  if (!status.ok()) return status;

  ibv_qp_attr send{};
  send.qp_state = IBV_QPS_RTS;
  send.timeout = TimeoutExponent(options.ack_timeout);
  send.retry_cnt = options.retries;
  send.rnr_retry = std::min<uint8_t>(options.retries, 6);  // 7: for ever
  send.sq_psn = first_packet_;
  send.max_rd_atomic =
      static_cast<uint8_t>(std::min<int>(port.read_depth, device.attributes().max_qp_init_rd_atom));
  return Modify(get(), send,
                IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
                    IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC,
                "RTS");
}

void QueuePair::Break() {
  ibv_qp_attr error{};
  error.qp_state = IBV_QPS_ERR;
  // Fails only if the device is gone, and then there is nothing left to break.
  static_cast<void>(ibv_modify_qp(get(), &error, IBV_QP_STATE));
}

}  // namespace farpage::transport::verbs
